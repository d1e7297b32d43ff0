/* yaml_flat.c: see yaml_flat.h. A stack of open mappings and sequences; each mapping remembers
 * whether a key or a value comes next and how long the joined path is without its key. */
#include "milvus1/yaml_flat.h"

#include <string.h>
#include <yaml.h>

enum level_kind { LEVEL_MAPPING, LEVEL_SEQUENCE };

struct level {
    enum level_kind kind;
    bool is_value_next;
    size_t path_size; /* of the joined path above this mapping */
};

struct walk {
    struct yaml_flat flat;
    struct level levels[YAML_DEPTH_MAX];
    size_t depth;
    size_t sequences; /* open ones: what is in them is skipped */
    char path[YAML_PATH_MAX];
};

static struct level *top(struct walk *walk)
{
    return walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
}

/* A value of the innermost mapping is complete: a key comes next. */
static void end_value(struct walk *walk)
{
    struct level *level = top(walk);
    if (level != NULL && level->kind == LEVEL_MAPPING)
        level->is_value_next = false;
}

static enum err_code open_level(struct walk *walk, enum level_kind kind, size_t line,
                                struct err *err)
{
    const struct level *outer = top(walk);
    if (outer != NULL && outer->kind == LEVEL_MAPPING && !outer->is_value_next)
        return err_set(err, ERR_CONFIG, "line %zu: a key must be plain text", line);
    if (walk->depth == YAML_DEPTH_MAX)
        return err_set(err, ERR_CONFIG, "line %zu: nested deeper than %d levels", line,
                       YAML_DEPTH_MAX);
    const size_t path_size = outer != NULL ? strlen(walk->path) : 0;
    walk->levels[walk->depth++] = (struct level){.kind = kind, .path_size = path_size};
    walk->sequences += kind == LEVEL_SEQUENCE;
    return ERR_OK;
}

static void close_level(struct walk *walk)
{
    const struct level *level = top(walk);
    walk->sequences -= level->kind == LEVEL_SEQUENCE;
    walk->path[level->path_size] = '\0';
    walk->depth--;
    end_value(walk);
}

static enum err_code take_key(struct walk *walk, struct level *level, const char *key, size_t line,
                              struct err *err)
{
    const size_t size = strlen(key);
    const size_t dot = level->path_size > 0;
    if (size + dot + 1 > sizeof walk->path - level->path_size)
        return err_set(err, ERR_CONFIG, "line %zu: a key of %zu bytes is too long", line, size);
    if (dot > 0)
        walk->path[level->path_size] = '.';
    memcpy(walk->path + level->path_size + dot, key, size + 1);
    level->is_value_next = true;
    return ERR_OK;
}

static enum err_code take_value(struct walk *walk, const char *value, size_t line, struct err *err)
{
    struct yaml_flat *flat = &walk->flat;
    end_value(walk);
    if (walk->sequences > 0)
        return ERR_OK;
    if (flat->count == YAML_ENTRIES_MAX)
        return err_set(err, ERR_CONFIG, "line %zu: more than %d values", line, YAML_ENTRIES_MAX);
    struct yaml_entry entry = {.path = arena_strdup(&flat->arena, walk->path),
                               .value = arena_strdup(&flat->arena, value),
                               .line = line};
    if (entry.path == NULL || entry.value == NULL ||
        !mem_grow(&flat->entries, &flat->capacity, flat->count, sizeof *flat->entries))
        return err_nomem(err, "configuration");
    flat->entries[flat->count++] = entry;
    return ERR_OK;
}

static enum err_code take_scalar(struct walk *walk, const yaml_event_t *event, size_t line,
                                 struct err *err)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.anchor != NULL)
        return err_set(err, ERR_CONFIG, "line %zu: anchors are not accepted; write the value out",
                       line);
    if (strlen(text) != event->data.scalar.length)
        return err_set(err, ERR_CONFIG, "line %zu: a text holds a zero byte", line);
    struct level *level = top(walk);
    if (level == NULL)
        return *text == '\0'
                   ? ERR_OK
                   : err_set(err, ERR_CONFIG, "line %zu: sections expected, text found", line);
    if (level->kind == LEVEL_MAPPING && !level->is_value_next)
        return take_key(walk, level, text, line, err);
    return take_value(walk, text, line, err);
}

static enum err_code take_event(struct walk *walk, const yaml_event_t *event, struct err *err)
{
    const size_t line = event->start_mark.line + 1;
    switch (event->type) {
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor == NULL
                   ? open_level(walk, LEVEL_MAPPING, line, err)
                   : err_set(err, ERR_CONFIG, "line %zu: anchors are not accepted", line);
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor == NULL
                   ? open_level(walk, LEVEL_SEQUENCE, line, err)
                   : err_set(err, ERR_CONFIG, "line %zu: anchors are not accepted", line);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        close_level(walk);
        return ERR_OK;
    case YAML_SCALAR_EVENT:
        return take_scalar(walk, event, line, err);
    case YAML_ALIAS_EVENT:
        return err_set(err, ERR_CONFIG, "line %zu: aliases are not accepted; write the value out",
                       line);
    default:
        return ERR_OK;
    }
}

static enum err_code parser_error(const yaml_parser_t *parser, struct err *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return err_nomem(err, "configuration");
    return err_set(err, ERR_CONFIG, "line %zu: no valid YAML: %s", parser->problem_mark.line + 1,
                   parser->problem != NULL ? parser->problem : "unknown problem");
}

static enum err_code read_events(struct walk *walk, yaml_parser_t *parser, struct err *err)
{
    bool is_end = false;
    size_t documents = 0;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && !is_end) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0)
            return parser_error(parser, err);
        is_end = event.type == YAML_STREAM_END_EVENT;
        documents += event.type == YAML_DOCUMENT_START_EVENT;
        code = documents <= 1 ? take_event(walk, &event, err)
                              : err_set(err, ERR_CONFIG, "line %zu: a second YAML document",
                                        event.start_mark.line + 1);
        yaml_event_delete(&event);
    }
    return code;
}

enum err_code yaml_flat_decode(const char *text, size_t size, struct yaml_flat *ret_flat,
                               struct err *err)
{
    if (size > YAML_SIZE_MAX)
        return err_set(err, ERR_CONFIG, "%zu bytes found, at most %zu expected", size,
                       YAML_SIZE_MAX);
    struct walk walk = {.depth = 0};
    /* A path is at most YAML_PATH_MAX long and stands for one value of at least two bytes. */
    arena_init(&walk.flat.arena, YAML_ENTRIES_MAX * (YAML_PATH_MAX + 64) + 2 * YAML_SIZE_MAX);
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0)
        return err_nomem(err, "configuration");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    const enum err_code code = read_events(&walk, &parser, err);
    yaml_parser_delete(&parser);
    if (code == ERR_OK)
        *ret_flat = walk.flat;
    else
        yaml_flat_release(&walk.flat);
    return code;
}

void yaml_flat_release(struct yaml_flat *flat)
{
    mem_free(flat->entries);
    arena_release(&flat->arena);
    *flat = (struct yaml_flat){0};
}
