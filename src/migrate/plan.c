/* plan.c: see plan.h. */
#include "migrate/plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

#define PLAN_SIZE_MAX ((size_t)1 << 30)
#define NAMES_SHOWN 20
#define DAMAGED_SHOWN 5

/* A refused collection is not in the description; it matters when it would have been moved. */
static bool is_refused_here(const struct finding *finding, const struct selection *selection)
{
    return finding->severity == FINDING_REFUSED &&
           (*finding->collection == '\0' || selection_has(selection, finding->collection));
}

enum err_code plan_check_findings(const struct source *source, const struct selection *selection,
                                  struct err *err)
{
    const struct finding_list *findings = &source->description.findings;
    const bool skips = selection != NULL && selection->skip_damaged;
    for (size_t k = 0; k < findings->count; k++) {
        const struct finding *finding = &findings->items[k];
        if (!is_refused_here(finding, selection) || (*finding->collection != '\0' && skips))
            continue;
        const bool is_one = *finding->collection != '\0';
        return err_set(err, ERR_UNSUPPORTED, "%s%s%s%s%s: %s%s%s", source->description.location,
                       *finding->path != '\0' ? ": " : "", finding->path,
                       is_one ? ": collection " : "", finding->collection, finding->found,
                       *finding->consequence != '\0' ? "; " : "", finding->consequence);
    }
    return ERR_OK;
}

static enum err_code unknown_name(const struct source *source, const char *name, const char *what,
                                  struct err *err)
{
    const struct source_description *description = &source->description;
    struct text names;
    text_init(&names);
    for (size_t k = 0; k < description->collection_count && k < NAMES_SHOWN; k++)
        text_addf(&names, "%s%s", k > 0 ? ", " : "", description->collections[k].name);
    if (description->collection_count > NAMES_SHOWN)
        text_addf(&names, " and %zu more", description->collection_count - NAMES_SHOWN);
    const enum err_code code =
        err_set(err, ERR_USAGE, "%s: the source has no collection of that name (%s); it has: %s",
                name, what, description->collection_count > 0 ? text_get(&names) : "none");
    text_release(&names);
    return code;
}

static enum err_code check_names(const struct source *source, const struct selection *selection,
                                 struct err *err)
{
    if (selection == NULL)
        return ERR_OK;
    for (size_t k = 0; k < selection->collection_count; k++)
        if (source_find(source, selection->collections[k]) == NULL)
            return unknown_name(source, selection->collections[k], "selected", err);
    for (size_t k = 0; k < selection->rename_count; k++) {
        const char *name = selection->renames[k].from;
        if (source_find(source, name) == NULL)
            return unknown_name(source, name, "to be renamed", err);
        if (!selection_has(selection, name))
            return err_set(err, ERR_USAGE, "%s: to be renamed, but not selected", name);
    }
    return ERR_OK;
}

/* Only a rename can make two names equal, so renames are compared with all. */
static enum err_code check_collisions(const struct plan *plan, const struct selection *selection,
                                      struct err *err)
{
    for (size_t r = 0; selection != NULL && r < selection->rename_count; r++) {
        const struct selection_rename *rename = &selection->renames[r];
        for (size_t k = 0; k < plan->collection_count; k++) {
            const struct plan_collection *other = &plan->collections[k];
            if (strcmp(other->source->name, rename->from) != 0 &&
                strcmp(other->target_name, rename->to) == 0)
                return err_set(err, ERR_USAGE,
                               "%s and %s would both be called %s; rename one of them",
                               rename->from, other->source->name, rename->to);
        }
    }
    return ERR_OK;
}

static enum err_code choose_collections(const struct source *source,
                                        const struct selection *selection, struct plan *plan,
                                        struct err *err)
{
    const struct source_description *description = &source->description;
    plan->collections =
        arena_array(&plan->arena, description->collection_count, sizeof *plan->collections);
    if (plan->collections == NULL)
        return err_nomem(err, "plan");
    for (size_t k = 0; k < description->collection_count; k++) {
        const struct source_collection *collection = &description->collections[k];
        if (!selection_has(selection, collection->name))
            continue;
        plan->collections[plan->collection_count++] = (struct plan_collection){
            .index = k,
            .source = collection,
            .target_name =
                arena_strdup(&plan->arena, selection_target_name(selection, collection->name))};
        if (plan->collections[plan->collection_count - 1].target_name == NULL)
            return err_nomem(err, "plan");
    }
    return check_collisions(plan, selection, err);
}

/* Names the damaged segments that are left out, the first few of them. */
static void name_damaged(struct plan *plan, const struct source_collection *collection,
                         const struct source_segment *segment, struct text *text)
{
    if (plan->left_out_segments < DAMAGED_SHOWN)
        text_addf(text, "%s%s of %s", plan->left_out_segments > 0 ? ", " : "", segment->name,
                  collection->name);
    plan->left_out_segments++;
}

static enum err_code choose_segments(struct plan *plan, struct text *damaged, struct err *err)
{
    size_t total = 0;
    for (size_t k = 0; k < plan->collection_count; k++)
        total += plan->collections[k].source->segment_count;
    plan->segments = arena_array(&plan->arena, total, sizeof *plan->segments);
    if (plan->segments == NULL)
        return err_nomem(err, "plan");
    for (size_t k = 0; k < plan->collection_count; k++) {
        const struct source_collection *collection = plan->collections[k].source;
        plan->left_out_rows += collection->damaged_rows;
        for (size_t s = 0; s < collection->segment_count; s++) {
            const struct source_segment *segment = &collection->segments[s];
            if (segment->is_damaged)
                name_damaged(plan, collection, segment, damaged);
            else
                plan->segments[plan->segment_count++] =
                    (struct plan_segment){.collection = k, .segment = s, .source = segment};
        }
    }
    return ERR_OK;
}

/* The first finding of damage in a selected collection, or of a collection that cannot be read at
 * all, for the error's sentence. */
static const struct finding *find_damage(const struct source *source,
                                         const struct selection *selection, const struct plan *plan)
{
    const struct finding_list *findings = &source->description.findings;
    for (size_t k = 0; k < findings->count; k++) {
        const struct finding *finding = &findings->items[k];
        if (is_refused_here(finding, selection))
            return finding;
        for (size_t c = 0; finding->severity == FINDING_DAMAGE && c < plan->collection_count; c++)
            if (*finding->collection == '\0' ||
                strcmp(finding->collection, plan->collections[c].source->name) == 0)
                return finding;
    }
    return NULL;
}

/* Where and why, of a finding of damage. */
static enum err_code refuse_damage(const char *damaged, const struct finding *finding,
                                   struct err *err)
{
    const char *advice = "look at it with inspect, or migrate the rest with --skip-damaged";
    if (finding == NULL || *finding->found == '\0')
        return err_set(err, ERR_CORRUPT, "damaged: %s; %s", damaged, advice);
    return err_set(err, ERR_CORRUPT, "damaged: %s (%s%s%s); %s", damaged, finding->path,
                   *finding->path != '\0' ? ": " : "", finding->found, advice);
}

static enum err_code check_damage(const struct source *source, const struct selection *selection,
                                  struct plan *plan, const char *damaged, struct err *err)
{
    const struct finding *finding = find_damage(source, selection, plan);
    if (plan->left_out_segments == 0 && finding == NULL)
        return ERR_OK;
    const bool is_refused = finding != NULL && finding->severity == FINDING_REFUSED;
    const char *where = is_refused ? finding->collection : finding != NULL ? finding->path : "";
    const char *what = *damaged == '\0' ? where : damaged;
    plan->left_out = plan->left_out_segments <= DAMAGED_SHOWN
                         ? arena_strdup(&plan->arena, what)
                         : arena_printf(&plan->arena, "%s and %" PRIu64 " more", what,
                                        plan->left_out_segments - DAMAGED_SHOWN);
    if (plan->left_out == NULL)
        return err_nomem(err, "plan");
    if (selection != NULL && selection->skip_damaged)
        return ERR_OK;
    return refuse_damage(plan->left_out, finding, err);
}

static void add_number(struct hasher *hasher, uint64_t value)
{
    hasher_add(hasher, &value, sizeof value);
}

static void add_text(struct hasher *hasher, const char *text)
{
    hasher_add(hasher, text, strlen(text) + 1);
}

static enum err_code take_fingerprint(struct plan *plan, struct err *err)
{
    struct hasher *hasher = hasher_new(0);
    if (hasher == NULL)
        return err_nomem(err, "plan");
    uint64_t rows = 0;
    uint64_t deleted = 0;
    for (size_t k = 0; k < plan->collection_count; k++) {
        const struct source_collection *collection = plan->collections[k].source;
        add_text(hasher, collection->name);
        add_number(hasher, (uint64_t)collection->metric);
        add_number(hasher, collection->dim);
        for (size_t p = 0; p < collection->partition_count; p++)
            add_text(hasher, collection->partitions[p].tag);
        rows += collection->live_rows;
        deleted += collection->deleted_rows;
    }
    for (size_t k = 0; k < plan->segment_count; k++) {
        const struct source_segment *segment = plan->segments[k].source;
        add_text(hasher, segment->name);
        add_number(hasher, segment->partition);
        add_number(hasher, segment->rows);
        add_number(hasher, segment->live_rows);
        add_number(hasher, segment->size);
    }
    plan->fingerprint = arena_printf(&plan->arena,
                                     "%zu collections, %zu segments, %" PRIu64 " rows, %" PRIu64
                                     " deleted, checksum %016" PRIx64,
                                     plan->collection_count, plan->segment_count, rows, deleted,
                                     hasher_get(hasher));
    hasher_free(hasher);
    return plan->fingerprint != NULL ? ERR_OK : err_nomem(err, "plan");
}

enum err_code plan_make(const struct source *source, const struct selection *selection,
                        struct plan *plan, struct err *err)
{
    *plan = (struct plan){.left_out = ""};
    arena_init(&plan->arena, PLAN_SIZE_MAX);
    struct text damaged;
    text_init(&damaged);
    enum err_code code = plan_check_findings(source, selection, err);
    if (code == ERR_OK)
        code = check_names(source, selection, err);
    if (code == ERR_OK)
        code = choose_collections(source, selection, plan, err);
    if (code == ERR_OK)
        code = choose_segments(plan, &damaged, err);
    if (code == ERR_OK && text_failed(&damaged))
        code = err_nomem(err, "plan");
    if (code == ERR_OK)
        code = check_damage(source, selection, plan, text_get(&damaged), err);
    if (code == ERR_OK)
        code = take_fingerprint(plan, err);
    text_release(&damaged);
    return code;
}

void plan_release(struct plan *plan)
{
    arena_release(&plan->arena);
    *plan = (struct plan){0};
}

static enum err_code check_existing(const struct plan_collection *collection,
                                    enum metric_type metric, size_t dim, enum if_exists if_exists,
                                    struct err *err)
{
    const struct source_collection *source = collection->source;
    if (if_exists == IF_EXISTS_FAIL)
        return err_set(err, ERR_EXISTS,
                       "collection %s exists in the target already; choose --if-exists append or "
                       "replace, or --rename %s=OTHER",
                       collection->target_name, source->name);
    if (if_exists == IF_EXISTS_APPEND && (metric != source->metric || dim != source->dim))
        return err_set(err, ERR_TARGET,
                       "collection %s: the target has metric %s and dimension %zu, the source %s "
                       "and %zu; rows cannot be appended",
                       collection->target_name, metric_name(metric), dim,
                       metric_name(source->metric), source->dim);
    return ERR_OK;
}

/* Live rows of the collections that will be appended to, to be compared after publishing. */
static enum err_code read_base_rows(struct plan *plan, struct target *target, struct err *err)
{
    struct source *published = NULL;
    const enum err_code code = target->ops->as_source(target, &published, err);
    if (code != ERR_OK)
        return code;
    for (size_t k = 0; k < plan->collection_count; k++) {
        const struct source_collection *found =
            source_find(published, plan->collections[k].target_name);
        plan->collections[k].base_rows = found != NULL ? found->live_rows : 0;
    }
    source_close(published);
    return ERR_OK;
}

enum err_code plan_check_target(struct plan *plan, struct target *target, enum if_exists if_exists,
                                struct err *err)
{
    bool is_appending = false;
    for (size_t k = 0; k < plan->collection_count; k++) {
        bool is_found = false;
        enum metric_type metric = METRIC_NONE;
        size_t dim = 0;
        enum err_code code = target->ops->find_collection(target, plan->collections[k].target_name,
                                                          &is_found, &metric, &dim, err);
        if (code == ERR_OK && is_found)
            code = check_existing(&plan->collections[k], metric, dim, if_exists, err);
        if (code != ERR_OK)
            return code;
        is_appending |= is_found && if_exists == IF_EXISTS_APPEND;
    }
    return is_appending ? read_base_rows(plan, target, err) : ERR_OK;
}

enum err_code plan_check_space(const struct plan *plan, const struct target *target,
                               double remaining, uint64_t *ret_needed, uint64_t *ret_free,
                               struct err *err)
{
    uint64_t whole = 0;
    for (size_t k = 0; k < plan->collection_count; k++)
        whole += target->ops->estimate(target, plan->collections[k].source);
    *ret_needed = (uint64_t)((double)whole * remaining);
    *ret_free = 0;
    if (*ret_needed == 0)
        return ERR_OK;
    const enum err_code code = file_free_space(target->work_folder, ret_free, err);
    if (code != ERR_OK)
        return code;
    if (*ret_free < *ret_needed)
        return err_set(err, ERR_NO_SPACE,
                       "%s: %" PRIu64 " bytes are free, about %" PRIu64
                       " are needed; make room, choose another place, or --link on the source's "
                       "filesystem",
                       target->location, *ret_free, *ret_needed);
    return ERR_OK;
}
