/* options.c: see options.h. */
#include "cli/options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LENGTH_MAX 64 /* longer words are compared by their start */
#define NEAR_DISTANCE 2    /* typing errors forgiven in a suggestion */
#define SHOWN_SIZE 256

const struct option_spec common_options[] = {
    {.name = "help", .letter = 'h', .help = "Show what the command does and its options."},
    {.name = "no-color", .help = "No colours, also on a terminal."},
    {.name = NULL},
};

/* The words still to be read. */
struct words {
    char **next;
    char **end;
};

void wipe_text(char *text)
{
    volatile char *p = text;
    while (*p != '\0')
        *p++ = 'x';
}

bool password_span(const char *word, size_t *ret_from, size_t *ret_to)
{
    const char *scheme = strstr(word, "://");
    const char *at = strrchr(word, '@');
    if (at == NULL || (scheme == NULL && strchr(at, '(') == NULL))
        return false;
    const char *user = scheme != NULL && scheme < at ? scheme + 3 : word;
    const char *colon = memchr(user, ':', (size_t)(at - user));
    if (colon == NULL)
        return false;
    *ret_from = (size_t)(colon - word) + 1;
    *ret_to = (size_t)(at - word);
    return true;
}

const char *show_word(const char *word, char *buffer, size_t size)
{
    size_t from = SIZE_MAX, to = 0, used = 0;
    (void)password_span(word, &from, &to);
    for (size_t i = 0; word[i] != '\0' && used + 5 < size; i++) {
        if (i == from) {
            memcpy(buffer + used, "***", 3);
            used += 3;
            i = to;
        }
        const unsigned char c = (unsigned char)word[i];
        buffer[used++] = c < 0x20 || c == 0x7f ? '?' : word[i];
    }
    buffer[used] = '\0';
    return buffer;
}

/* Damerau-Levenshtein distance of neighbours, both cut at NAME_LENGTH_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_LENGTH_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    const size_t a_length = strnlen(a, NAME_LENGTH_MAX), b_length = strnlen(b, NAME_LENGTH_MAX);
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = before[j - 2] + 1 < best ? before[j - 2] + 1 : best;
            now[j] = best;
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_length];
}

/* A name that the word starts, or that starts with the word, is near as well. */
static bool is_prefix(const char *a, const char *b)
{
    const size_t length = strlen(a);
    return length >= 3 && strncmp(a, b, length) == 0;
}

const char *nearest_name(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = NEAR_DISTANCE + 1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);
        if (d >= strlen(names[i]))
            continue; /* nothing in common */
        if (d > NEAR_DISTANCE && is_prefix(word, names[i]))
            d = NEAR_DISTANCE;
        if (d < best_distance) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}

static const struct option_spec *find_in(const struct option_spec *options, const char *name,
                                         size_t length)
{
    for (const struct option_spec *o = options; o != NULL && o->name != NULL; o++)
        if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
            return o;
    return NULL;
}

static const struct option_spec *find_option(const struct command *command, const char *name,
                                             size_t length)
{
    const struct option_spec *found = find_in(command->options, name, length);
    return found != NULL ? found : find_in(common_options, name, length);
}

static const struct option_spec *find_letter(const struct command *command, char letter)
{
    const struct option_spec *const lists[] = {command->options, common_options};
    for (size_t i = 0; i < 2; i++)
        for (const struct option_spec *o = lists[i]; o != NULL && o->name != NULL; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

static enum err_code unknown_option(const struct command *command, const char *word,
                                    struct err *err)
{
    const char *names[128];
    size_t count = 0;
    const struct option_spec *const lists[] = {command->options, common_options};
    for (size_t i = 0; i < 2; i++)
        for (const struct option_spec *o = lists[i]; o != NULL && o->name != NULL; o++)
            if (count < sizeof names / sizeof *names)
                names[count++] = o->name;
    char shown[SHOWN_SIZE], name[NAME_LENGTH_MAX];
    const size_t length = strcspn(word + strspn(word, "-"), "=");
    const size_t kept = length < sizeof name ? length : sizeof name - 1;
    memcpy(name, word + strspn(word, "-"), kept);
    name[kept] = '\0';
    char head[NAME_LENGTH_MAX + 3];
    memcpy(head, word, strcspn(word, "=") < sizeof head ? strcspn(word, "=") : sizeof head - 1);
    head[strcspn(word, "=") < sizeof head ? strcspn(word, "=") : sizeof head - 1] = '\0';
    const char *near = nearest_name(name, names, count);
    if (near != NULL)
        return err_set(err, ERR_USAGE, "unknown option %s; did you mean --%s?",
                       show_word(head, shown, sizeof shown), near);
    return err_set(err, ERR_USAGE, "unknown option %s; see godwit %s --help",
                   show_word(head, shown, sizeof shown), command->name);
}

bool parse_id(const char *text, int64_t *ret_id)
{
    if (!isdigit((unsigned char)text[0]) && !(text[0] == '-' && isdigit((unsigned char)text[1])))
        return false;
    errno = 0;
    char *end = NULL;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_id = value;
    return true;
}

/* Digits only, no sign: strtoull would take "-1". */
static bool parse_whole(const char *text, uint64_t *ret_value, char **ret_end)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *ret_value = strtoull(text, ret_end, 10);
    return errno == 0;
}

static bool parse_size(const char *text, uint64_t *ret_size)
{
    char *end = NULL;
    uint64_t value = 0;
    if (!parse_whole(text, &value, &end))
        return false;
    static const char letters[] = "kmgt";
    uint64_t unit = 1;
    if (*end != '\0') {
        const char *at = strchr(letters, tolower((unsigned char)*end));
        if (at == NULL)
            return false;
        end++;
        const uint64_t step = *end == 'i' ? 1024 : 1000;
        end += *end == 'i';
        for (ptrdiff_t i = 0; i <= at - letters; i++)
            unit *= step;
    }
    end += *end == 'B';
    if (*end != '\0' || __builtin_mul_overflow(value, unit, &value))
        return false;
    *ret_size = value;
    return true;
}

static bool is_choice(const char *choices, const char *word)
{
    const size_t length = strlen(word);
    for (const char *p = choices; *p != '\0';) {
        const size_t size = strcspn(p, " ");
        if (size == length && memcmp(p, word, size) == 0)
            return true;
        p += size + (p[size] == ' ');
    }
    return false;
}

static bool is_in_range(const struct option_spec *spec, double value)
{
    return value >= (double)spec->min && (spec->max == 0 || value <= (double)spec->max);
}

static bool read_number(const struct option_spec *spec, struct argument_value *value)
{
    char *end = NULL;
    switch (spec->kind) {
    case OPTION_COUNT:
        return parse_whole(value->text, &value->count, &end) && *end == '\0' &&
               value->count >= spec->min && (spec->max == 0 || value->count <= spec->max);
    case OPTION_SIZE:
        return parse_size(value->text, &value->count) && value->count >= spec->min &&
               (spec->max == 0 || value->count <= spec->max);
    case OPTION_NUMBER:
        value->number = strtod(value->text, &end);
        return end != value->text && *end == '\0' && isfinite(value->number) &&
               is_in_range(spec, value->number);
    case OPTION_ID:
        return parse_id(value->text, &value->id);
    default:
        return true;
    }
}

static enum err_code check_value(struct argument_value *value, struct err *err)
{
    const struct option_spec *spec = value->spec;
    char shown[SHOWN_SIZE];
    if (spec->kind == OPTION_FLAG)
        return ERR_OK;
    (void)show_word(value->text, shown, sizeof shown);
    if (value->text[0] == '\0')
        return err_set(err, ERR_USAGE, "--%s: the value is empty", spec->name);
    if (spec->kind == OPTION_CHOICE && !is_choice(spec->choices, value->text))
        return err_set(err, ERR_USAGE, "--%s: %s is not one of: %s", spec->name, shown,
                       spec->choices);
    if (read_number(spec, value))
        return ERR_OK;
    if (spec->kind == OPTION_ID)
        return err_set(err, ERR_USAGE, "--%s: %s is not a 64-bit integer", spec->name, shown);
    if (spec->kind == OPTION_SIZE)
        return err_set(err, ERR_USAGE, "--%s: %s is not a size such as 500K, 50M or 2Gi",
                       spec->name, shown);
    if (spec->max != 0)
        return err_set(err, ERR_USAGE, "--%s: %s is not a number from %llu to %llu", spec->name,
                       shown, (unsigned long long)spec->min, (unsigned long long)spec->max);
    return err_set(err, ERR_USAGE, "--%s: %s is not a number of at least %llu", spec->name, shown,
                   (unsigned long long)spec->min);
}

static bool has_value_of(const struct arguments *arguments, const struct option_spec *spec)
{
    for (size_t i = 0; i < arguments->value_count; i++)
        if (arguments->values[i].spec == spec)
            return true;
    return false;
}

/* Keeps one option; `text` points into argv (or is NULL for a flag). */
static enum err_code keep_value(struct arguments *arguments, const struct option_spec *spec,
                                char *text, struct err *err)
{
    if (!spec->is_repeatable && spec->kind != OPTION_FLAG && has_value_of(arguments, spec))
        return err_set(err, ERR_USAGE, "--%s is given twice", spec->name);
    struct argument_value *value = &arguments->values[arguments->value_count];
    *value = (struct argument_value){.spec = spec};
    if (text != NULL) {
        value->text = arena_strdup(&arguments->arena, text);
        if (value->text == NULL)
            return err_nomem(err, "arguments");
        if (spec->is_secret)
            wipe_text(text);
    }
    arguments->value_count++;
    return check_value(value, err);
}

/* The value of an option that needs one and had none in the same word. */
static enum err_code next_value(const struct option_spec *spec, struct words *words,
                                char **ret_text, struct err *err)
{
    if (words->next == words->end)
        return err_set(err, ERR_USAGE, "--%s needs a value: %s", spec->name, spec->argument);
    char *word = *words->next;
    if (word[0] == '-' && word[1] == '-')
        return err_set(err, ERR_USAGE,
                       "--%s needs a value: %s (one that starts with -- is written --%s=--...)",
                       spec->name, spec->argument, spec->name);
    words->next++;
    *ret_text = word;
    return ERR_OK;
}

static enum err_code parse_long(struct arguments *arguments, char *word, struct words *words,
                                struct err *err)
{
    char *equals = strchr(word, '=');
    const size_t length = equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    const struct option_spec *spec = find_option(arguments->command, word + 2, length);
    if (spec == NULL)
        return unknown_option(arguments->command, word, err);
    if (spec->kind == OPTION_FLAG && equals != NULL)
        return err_set(err, ERR_USAGE, "--%s takes no value", spec->name);
    char *text = equals != NULL ? equals + 1 : NULL;
    if (spec->kind != OPTION_FLAG && text == NULL) {
        const enum err_code code = next_value(spec, words, &text, err);
        if (code != ERR_OK)
            return code;
    }
    return keep_value(arguments, spec, text, err);
}

static enum err_code parse_short(struct arguments *arguments, char *word, struct words *words,
                                 struct err *err)
{
    const struct option_spec *spec = find_letter(arguments->command, word[1]);
    if (spec == NULL || (spec->kind == OPTION_FLAG && word[2] != '\0'))
        return unknown_option(arguments->command, word, err);
    char *text = NULL;
    if (spec->kind != OPTION_FLAG) {
        text = word[2] != '\0' ? word + 2 + (word[2] == '=') : NULL;
        const enum err_code code = text == NULL ? next_value(spec, words, &text, err) : ERR_OK;
        if (code != ERR_OK)
            return code;
    }
    return keep_value(arguments, spec, text, err);
}

static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !isdigit((unsigned char)word[1]) && word[1] != '.';
}

static enum err_code parse_words(struct arguments *arguments, struct words *words, struct err *err)
{
    bool options_ended = false;
    while (words->next < words->end) {
        char *word = *words->next++;
        enum err_code code = ERR_OK;
        if (!options_ended && strcmp(word, "--") == 0) {
            options_ended = true;
        } else if (!options_ended && looks_like_option(word)) {
            code = word[1] == '-' ? parse_long(arguments, word, words, err)
                                  : parse_short(arguments, word, words, err);
        } else {
            const char *copy = arena_strdup(&arguments->arena, word);
            if (copy == NULL)
                return err_nomem(err, "arguments");
            size_t from = 0, to = 0;
            if (password_span(word, &from, &to))
                wipe_text(word);
            arguments->operands[arguments->operand_count++] = copy;
        }
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum err_code check_operands(const struct arguments *arguments, struct err *err)
{
    size_t index = 0;
    bool is_open = false;
    for (const struct operand_spec *o = arguments->command->operands; o != NULL && o->name != NULL;
         o++, index++) {
        if (index >= arguments->operand_count && !o->is_optional)
            return err_set(err, ERR_USAGE, "%s is missing", o->name);
        is_open = o->is_repeated;
    }
    char shown[SHOWN_SIZE];
    if (arguments->operand_count > index && !is_open)
        return err_set(err, ERR_USAGE, "%s is one word too many",
                       show_word(arguments->operands[index], shown, sizeof shown));
    for (size_t i = 0; i < arguments->operand_count; i++)
        if (arguments->operands[i][0] == '\0')
            return err_set(err, ERR_USAGE, "word %zu is empty", i + 1);
    return ERR_OK;
}

enum err_code arguments_parse(const struct command *command, int argc, char **argv,
                              struct arguments *ret_arguments, struct err *err)
{
    struct arguments *a = ret_arguments;
    *a = (struct arguments){.command = command};
    arena_init(&a->arena, ARGUMENTS_SIZE_MAX);
    const size_t count = argc > 0 ? (size_t)argc : 0;
    a->operands = arena_array(&a->arena, count + 1, sizeof *a->operands);
    a->values = arena_array(&a->arena, count + 1, sizeof *a->values);
    if (a->operands == NULL || a->values == NULL)
        return err_nomem(err, "arguments");
    struct words words = {.next = argv, .end = argv + count};
    const enum err_code code = parse_words(a, &words, err);
    if (code != ERR_OK || arguments_has(a, "help"))
        return code;
    return check_operands(a, err);
}

void arguments_release(struct arguments *arguments)
{
    arena_release(&arguments->arena);
    *arguments = (struct arguments){0};
}

bool arguments_know(const struct arguments *arguments, const char *name)
{
    return find_option(arguments->command, name, strlen(name)) != NULL;
}

static const struct argument_value *last_value(const struct arguments *arguments, const char *name)
{
    const struct option_spec *spec = find_option(arguments->command, name, strlen(name));
    assert(spec != NULL);
    for (size_t i = arguments->value_count; i > 0; i--)
        if (arguments->values[i - 1].spec == spec)
            return &arguments->values[i - 1];
    return NULL;
}

bool arguments_has(const struct arguments *arguments, const char *name)
{
    return last_value(arguments, name) != NULL;
}

const char *arguments_text(const struct arguments *arguments, const char *name)
{
    const struct argument_value *value = last_value(arguments, name);
    return value != NULL ? value->text : NULL;
}

uint64_t arguments_count(const struct arguments *arguments, const char *name, uint64_t fallback)
{
    const struct argument_value *value = last_value(arguments, name);
    return value != NULL ? value->count : fallback;
}

double arguments_number(const struct arguments *arguments, const char *name, double fallback)
{
    const struct argument_value *value = last_value(arguments, name);
    return value != NULL ? value->number : fallback;
}

int64_t arguments_id(const struct arguments *arguments, const char *name, int64_t fallback)
{
    const struct argument_value *value = last_value(arguments, name);
    return value != NULL ? value->id : fallback;
}

/* The next part of a comma list without blanks around it; NULL at the end. */
static const char *next_part(const char **text, size_t *ret_size)
{
    while (**text != '\0') {
        const char *start = *text + strspn(*text, " \t");
        const char *end = start + strcspn(start, ",");
        *text = *end == ',' ? end + 1 : end;
        while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (end > start) {
            *ret_size = (size_t)(end - start);
            return start;
        }
    }
    return NULL;
}

enum err_code arguments_list(struct arguments *arguments, const char *name, const char ***ret_list,
                             size_t *ret_count, struct err *err)
{
    const struct option_spec *spec = find_option(arguments->command, name, strlen(name));
    assert(spec != NULL);
    struct arena *arena = &arguments->arena;
    size_t room = 1;
    for (size_t i = 0; i < arguments->value_count; i++)
        for (const char *p = arguments->values[i].spec == spec ? arguments->values[i].text : "";
             *p != '\0'; p++)
            room += *p == ',' || p[1] == '\0';
    const char **list = arena_array(arena, room, sizeof *list);
    size_t count = 0;
    if (list == NULL)
        return err_nomem(err, name);
    for (size_t i = 0; i < arguments->value_count; i++) {
        const char *text = arguments->values[i].spec == spec ? arguments->values[i].text : "";
        size_t size = 0;
        for (const char *part = next_part(&text, &size); part != NULL;
             part = next_part(&text, &size)) {
            list[count] = arena_strndup(arena, part, size);
            if (list[count++] == NULL)
                return err_nomem(err, name);
        }
    }
    *ret_list = list;
    *ret_count = count;
    return ERR_OK;
}

enum err_code arguments_all(struct arguments *arguments, const char *name, const char ***ret_list,
                            size_t *ret_count, struct err *err)
{
    const struct option_spec *spec = find_option(arguments->command, name, strlen(name));
    assert(spec != NULL);
    struct arena *arena = &arguments->arena;
    const char **list = arena_array(arena, arguments->value_count + 1, sizeof *list);
    size_t count = 0;
    if (list == NULL)
        return err_nomem(err, name);
    for (size_t i = 0; i < arguments->value_count; i++)
        if (arguments->values[i].spec == spec)
            list[count++] = arguments->values[i].text;
    *ret_list = list;
    *ret_count = count;
    return ERR_OK;
}
