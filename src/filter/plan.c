/* plan.c: from tree to plan: `not` goes into the leaves, constants are prepared, children are put
 * in order of cost. */
#include "filter/plan.h"

#include <math.h>
#include <string.h>

struct build {
    struct filter *filter;
    const struct schema *schema;
    struct err *err;
};

static enum err_code no_room(const struct build *build)
{
    const struct arena *arena = &build->filter->arena;
    if (arena->used > arena->used_max / 2)
        return err_set(build->err, ERR_INVALID,
                       "the expression is too large: it needs more than %zu MiB of memory",
                       arena->used_max >> 20);
    return err_nomem(build->err, "filter");
}

/* What a leaf costs a row, roughly in tenths of a nanosecond. */
static int cost_of(const struct test *test, enum field_type type)
{
    static const int base[] = {
        [TEST_RANGE] = 5,   [TEST_IN] = 20,      [TEST_EQUAL] = 40,   [TEST_CONTAINS] = 60,
        [TEST_LIKE] = 100,  [TEST_WORDS] = 500,  [TEST_PHRASE] = 800, [TEST_NULL] = 1,
        [TEST_EXISTS] = 10, [TEST_COLUMNS] = 10, [TEST_SAMPLE] = 30,
    };
    const int factor = type == FIELD_JSON      ? 20
                       : type == FIELD_ARRAY   ? 8
                       : type == FIELD_VARCHAR ? 4
                                               : 1;
    return base[test->kind] * factor + (test->operand.arith != ARITH_NONE ? 5 : 0);
}

static int64_t integer_of(const struct filter_value *value)
{
    return value->kind == FILTER_VALUE_BOOL ? value->boolean : value->integer;
}

/* The closed range of integers, cut to what the type can hold. */
static void build_integer_range(struct leaf *leaf, enum field_type type, bool is_wide)
{
    static const struct {
        int64_t min;
        int64_t max;
    } limits[] = {[FIELD_BOOL] = {0, 1},
                  [FIELD_INT8] = {INT8_MIN, INT8_MAX},
                  [FIELD_INT16] = {INT16_MIN, INT16_MAX},
                  [FIELD_INT32] = {INT32_MIN, INT32_MAX},
                  [FIELD_INT64] = {INT64_MIN, INT64_MAX}};
    const struct bound *low = &leaf->test->low;
    const struct bound *high = &leaf->test->high;
    const enum field_type held = is_wide ? FIELD_INT64 : type;
    leaf->low = low->is_set ? integer_of(&low->value) : INT64_MIN;
    leaf->high = high->is_set ? integer_of(&high->value) : INT64_MAX;
    if ((low->is_open && leaf->low == INT64_MAX) || (high->is_open && leaf->high == INT64_MIN))
        leaf->is_never = true;
    if (!leaf->is_never) {
        leaf->low += low->is_open;
        leaf->high -= high->is_open;
    }
    leaf->low = leaf->low > limits[held].min ? leaf->low : limits[held].min;
    leaf->high = leaf->high < limits[held].max ? leaf->high : limits[held].max;
    leaf->is_never = leaf->is_never || leaf->low > leaf->high;
}

static double next_real(double real, double towards, bool is_float)
{
    return is_float ? (double)nextafterf((float)real, (float)towards) : nextafter(real, towards);
}

static void build_real_range(struct leaf *leaf, bool is_float)
{
    const struct bound *low = &leaf->test->low;
    const struct bound *high = &leaf->test->high;
    leaf->real_low = low->is_set ? low->value.real : -(double)INFINITY;
    leaf->real_high = high->is_set ? high->value.real : (double)INFINITY;
    leaf->is_never = (low->is_open && leaf->real_low >= (double)INFINITY) ||
                     (high->is_open && leaf->real_high <= -(double)INFINITY);
    if (low->is_open)
        leaf->real_low = next_real(leaf->real_low, (double)INFINITY, is_float);
    if (high->is_open)
        leaf->real_high = next_real(leaf->real_high, -(double)INFINITY, is_float);
    leaf->is_never = leaf->is_never || !(leaf->real_low <= leaf->real_high);
}

static bool is_integer_or_open(const struct bound *bound)
{
    return !bound->is_set || bound->value.kind == FILTER_VALUE_INT;
}

static void build_range(struct leaf *leaf, enum field_type type)
{
    const struct operand *operand = &leaf->test->operand;
    const bool is_wide = operand->arith != ARITH_NONE || operand->is_length;
    leaf->has_integers = type == FIELD_JSON && !is_wide && is_integer_or_open(&leaf->test->low) &&
                         is_integer_or_open(&leaf->test->high);
    if (leaf->has_integers)
        build_integer_range(leaf, FIELD_INT64, true);
    if (operand->is_length || (type >= FIELD_BOOL && type <= FIELD_INT64))
        build_integer_range(leaf, type, is_wide);
    else if (type == FIELD_FLOAT || type == FIELD_DOUBLE)
        build_real_range(leaf, type == FIELD_FLOAT);
}

/* Bytes that stand in a JSON string as they are, unless escaped with a backslash. */
static bool is_plain(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((uint8_t)bytes[i] < 0x20 || bytes[i] == '"' || bytes[i] == '\\')
            return false;
    return true;
}

bool test_is_text_equality(const struct test *test)
{
    return test->kind == TEST_RANGE && test->low.is_set && test->high.is_set &&
           !test->low.is_open && !test->high.is_open &&
           test->low.value.kind == FILTER_VALUE_STRING &&
           test->high.value.kind == FILTER_VALUE_STRING &&
           test->low.value.size == test->high.value.size &&
           memcmp(test->low.value.string, test->high.value.string, test->low.value.size) == 0;
}

/* `"red"` for color == "red", else `"color"`. */
static bool build_json_needle(struct leaf *leaf, struct arena *arena)
{
    const struct operand *operand = &leaf->test->operand;
    const struct step *last =
        operand->step_count > 0 ? &operand->steps[operand->step_count - 1] : NULL;
    const bool is_value = test_is_text_equality(leaf->test) && operand->arith == ARITH_NONE;
    const bool is_key = !is_value && last != NULL && last->index == SIZE_MAX;
    if (!is_value && !is_key)
        return true;
    const char *bytes = is_value ? leaf->test->low.value.string : last->key;
    const size_t size = is_value ? leaf->test->low.value.size : last->size;
    if (!is_plain(bytes, size))
        return true;
    uint8_t *needle = arena_array(arena, size + 2, 1);
    if (needle == NULL)
        return false;
    needle[0] = '"';
    if (size > 0)
        memcpy(needle + 1, bytes, size);
    needle[size + 1] = '"';
    leaf->needle = needle;
    leaf->needle_size = size + 2;
    return true;
}

static bool build_arrays(struct leaf *leaf, struct arena *arena)
{
    const struct test *test = leaf->test;
    leaf->arrays = arena_array(arena, test->count, sizeof *leaf->arrays);
    for (size_t i = 0; leaf->arrays != NULL && i < test->count; i++)
        if (test->items[i].kind == FILTER_VALUE_ARRAY)
            leaf->arrays[leaf->array_count++] = &test->items[i];
    return leaf->arrays != NULL;
}

/* What a text must hold to be like a pattern that begins with %. */
static void build_text_needle(struct leaf *leaf)
{
    if (leaf->test->kind == TEST_LIKE && leaf->like.count > 1 && leaf->like.pieces[0].size == 0)
        leaf->needle = like_needle(&leaf->like, &leaf->needle_size);
}

static bool build_contains(struct filter *filter, struct leaf *leaf)
{
    if (!set_build(&leaf->set, &filter->arena, leaf->test->items, leaf->test->count) ||
        !build_arrays(leaf, &filter->arena))
        return false;
    const size_t words = bitmap_words(leaf->set.count + leaf->array_count);
    filter->seen_words = words > filter->seen_words ? words : filter->seen_words;
    return true;
}

static enum err_code build_constants(const struct build *build, struct leaf *leaf)
{
    struct filter *filter = build->filter;
    struct arena *arena = &filter->arena;
    const struct test *test = leaf->test;
    const struct filter_value *text = &test->text;
    bool has_room = true;
    switch (test->kind) {
    case TEST_RANGE:
        build_range(leaf, test->operand.type);
        break;
    case TEST_IN:
        has_room = set_build(&leaf->set, arena, test->items, test->count);
        break;
    case TEST_CONTAINS:
        has_room = build_contains(filter, leaf);
        break;
    case TEST_LIKE:
        has_room = like_build(&leaf->like, arena, text->string, text->size);
        break;
    case TEST_WORDS:
    case TEST_PHRASE:
        leaf->words.slop = test->slop;
        return words_build(&leaf->words, arena, text->string, text->size, build->err);
    default:
        break;
    }
    return has_room ? ERR_OK : no_room(build);
}

static leaf_eval eval_for(const struct leaf *leaf, enum field_type type)
{
    if (leaf->test->kind == TEST_NULL)
        return eval_null;
    if (leaf->test->kind == TEST_SAMPLE)
        return eval_sample;
    if (type == FIELD_JSON)
        return eval_json_for(leaf);
    if (type == FIELD_ARRAY)
        return eval_array_for(leaf->test);
    return type == FIELD_VARCHAR ? eval_text_for(leaf) : eval_plain_for(leaf->test);
}

static enum err_code build_leaf(const struct build *build, const struct test *test, bool negate,
                                struct plan *plan)
{
    struct filter *filter = build->filter;
    struct leaf *leaf = &plan->leaf;
    enum field_type type = FIELD_NONE;
    plan->kind = PLAN_LEAF;
    leaf->test = test;
    leaf->negate = negate;
    if (test->kind != TEST_SAMPLE) {
        type = build->schema->fields[test->operand.field].type;
        filter->reads[test->operand.field] = true;
    }
    if (test->kind == TEST_COLUMNS)
        filter->reads[test->other.field] = true;
    plan->cost = cost_of(test, type);
    const enum err_code code = build_constants(build, leaf);
    if (code != ERR_OK)
        return code;
    leaf->eval = eval_for(leaf, type);
    if (type == FIELD_VARCHAR)
        build_text_needle(leaf);
    return type != FIELD_JSON || build_json_needle(leaf, &filter->arena) ? ERR_OK : no_room(build);
}

/* Cheap ones first; those of equal cost stay in order. */
static void sort_children(struct plan *plan)
{
    for (size_t i = 1; i < plan->count; i++) {
        struct plan *moved = plan->children[i];
        size_t at = i;
        for (; at > 0 && plan->children[at - 1]->cost > moved->cost; at--)
            plan->children[at] = plan->children[at - 1];
        plan->children[at] = moved;
    }
}

/* Recursion: at most TREE_DEPTH_MAX deep. */
static enum err_code build_plan(const struct build *build, const struct tree *tree, bool negate,
                                struct plan **ret)
{
    for (; tree->kind == TREE_NOT; tree = tree->first)
        negate = !negate;
    struct arena *arena = &build->filter->arena;
    struct plan *plan = arena_array(arena, 1, sizeof *plan);
    if (plan == NULL)
        return no_room(build);
    *ret = plan;
    if (tree->kind == TREE_TEST)
        return build_leaf(build, &tree->test, negate, plan);
    plan->kind = (tree->kind == TREE_AND) != negate ? PLAN_AND : PLAN_OR;
    for (const struct tree *child = tree->first; child != NULL; child = child->next)
        plan->count++;
    plan->children = arena_array(arena, plan->count, sizeof *plan->children);
    if (plan->children == NULL)
        return no_room(build);
    size_t at = 0;
    for (const struct tree *child = tree->first; child != NULL; child = child->next, at++) {
        const enum err_code code = build_plan(build, child, negate, &plan->children[at]);
        if (code != ERR_OK)
            return code;
        const struct plan *made = plan->children[at];
        plan->cost += made->cost;
        plan->or_depth = made->or_depth > plan->or_depth ? made->or_depth : plan->or_depth;
    }
    plan->or_depth += plan->kind == PLAN_OR;
    sort_children(plan);
    return ERR_OK;
}

enum err_code plan_build(struct filter *filter, const struct tree *tree,
                         const struct schema *schema, struct err *err)
{
    const struct build build = {filter, schema, err};
    filter->field_count = schema->field_count;
    filter->reads = arena_array(&filter->arena, schema->field_count, sizeof *filter->reads);
    if (filter->reads == NULL)
        return no_room(&build);
    return build_plan(&build, tree, false, &filter->plan);
}
