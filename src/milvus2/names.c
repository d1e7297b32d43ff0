/* names.c: see names.h. Rules and wording: Milvus's proxy. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "milvus2/names.h"

enum name_flaw { NAME_GOOD, NAME_EMPTY, NAME_LONG, NAME_FIRST, NAME_OTHER };

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `more`: further characters that may stand behind the first; `digit_first`: so may a digit. */
static enum name_flaw judge(const char *name, const char *more, bool digit_first)
{
    const size_t size = strlen(name);
    if (size == 0)
        return NAME_EMPTY;
    if (size > NAME_SIZE_MAX)
        return NAME_LONG;
    if (name[0] != '_' && !is_letter(name[0]) && !(digit_first && is_digit(name[0])))
        return NAME_FIRST;
    for (size_t i = 1; i < size; i++)
        if (name[i] != '_' && !is_letter(name[i]) && !is_digit(name[i]) &&
            strchr(more, name[i]) == NULL)
            return NAME_OTHER;
    return NAME_GOOD;
}

static bool check_collection(struct status *status, const char *name, const char *kind)
{
    switch (judge(name, "", false)) {
    case NAME_EMPTY:
        return status_wrap(status, MILVUS_INVALID, "collection %s should not be empty", kind);
    case NAME_LONG:
        return status_wrap(status, MILVUS_INVALID,
                           "Invalid collection %s: %s. the length of a collection %s must be less "
                           "than %d characters",
                           kind, name, kind, NAME_SIZE_MAX);
    case NAME_FIRST:
        return status_wrap(status, MILVUS_INVALID,
                           "Invalid collection %s: %s. the first character of a collection %s must "
                           "be an underscore or letter",
                           kind, name, kind);
    case NAME_OTHER:
        return status_wrap(status, MILVUS_INVALID,
                           "Invalid collection %s: %s. collection %s can only contain numbers, "
                           "letters and underscores",
                           kind, name, kind);
    case NAME_GOOD:
        break;
    }
    return true;
}

bool name_check_collection(struct status *status, const char *name)
{
    return check_collection(status, name, "name");
}

bool name_check_alias(struct status *status, const char *name)
{
    return check_collection(status, name, "alias");
}

bool name_check_database(struct status *status, const char *name)
{
    static const char *const flaws[] = {
        [NAME_EMPTY] = "database name couldn't be empty",
        [NAME_LONG] = "the length of a database name must be less than 255 characters",
        [NAME_FIRST] = "the first character of a database name must be an underscore or letter",
        [NAME_OTHER] = "database name can only contain numbers, letters and underscores"};
    const enum name_flaw flaw = judge(name, "", false);
    return flaw == NAME_GOOD ||
           status_fail(status, MILVUS_DATABASE_NAME, "%s: invalid database name[database=%s]",
                       flaws[flaw], name);
}

/* Words of the filter language, in small letters; they are keywords in either case. */
static bool is_keyword(const char *name)
{
    static const char *const keywords[] = {"$meta",
                                           "RowID",
                                           "Timestamp",
                                           "like",
                                           "exists",
                                           "and",
                                           "or",
                                           "not",
                                           "in",
                                           "is",
                                           "null",
                                           "true",
                                           "false",
                                           "json_contains",
                                           "json_contains_all",
                                           "json_contains_any",
                                           "array_contains",
                                           "array_contains_all",
                                           "array_contains_any",
                                           "array_length",
                                           "text_match",
                                           "phrase_match",
                                           "random_sample"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        size_t at = 0;
        while (keywords[i][at] != '\0' && toupper(keywords[i][at]) == name[at])
            at++;
        if (strcmp(keywords[i], name) == 0 || (keywords[i][at] == '\0' && name[at] == '\0'))
            return true;
    }
    return false;
}

bool name_check_field(struct status *status, const char *name)
{
    static const char *const flaws[] = {
        [NAME_LONG] = "The length of a field name must be less than 255 characters.",
        [NAME_FIRST] = "The first character of a field name must be an underscore or letter.",
        [NAME_OTHER] = "Field name can only contain numbers, letters, and underscores."};
    const enum name_flaw flaw = judge(name, "", false);
    if (flaw == NAME_EMPTY)
        return status_fail(status, MILVUS_FIELD_NAME,
                           "field name should not be empty: field name invalid[field=]");
    if (flaw != NAME_GOOD)
        return status_fail(status, MILVUS_FIELD_NAME,
                           "Invalid field name: %s. %s: field name invalid[field=%s]", name,
                           flaws[flaw], name);
    if (is_keyword(name))
        return status_fail(status, MILVUS_FIELD_NAME,
                           "Invalid field name: %s. %s is keyword in milvus.: field name "
                           "invalid[field=%s]",
                           name, name, name);
    return true;
}

bool name_check_partition(struct status *status, const char *name)
{
    static const char *const flaws[] = {
        [NAME_EMPTY] = "Partition name should not be empty.",
        [NAME_LONG] = "The length of a partition name must be less than 255 characters.",
        [NAME_FIRST] = "The first character of a partition name must be an underscore or letter.",
        [NAME_OTHER] = "Partition name can only contain numbers, letters and underscores."};
    const enum name_flaw flaw = judge(name, "-", true);
    return flaw == NAME_GOOD ||
           status_fail(status, MILVUS_ERROR, "Invalid partition name: %s. %s", name, flaws[flaw]);
}

bool name_check_index(struct status *status, const char *name)
{
    static const char *const flaws[] = {
        [NAME_EMPTY] = "Index name should not be empty.",
        [NAME_LONG] = "The length of a index name must be less than 255 characters.",
        [NAME_FIRST] = "The first character of a index name must be an underscore or letter.",
        [NAME_OTHER] = "Index name can only contain numbers, letters and underscores."};
    const enum name_flaw flaw = judge(name, "", false);
    return flaw == NAME_GOOD ||
           status_fail(status, MILVUS_ERROR, "Invalid index name: %s. %s", name, flaws[flaw]);
}

bool name_check_user(struct status *status, const char *name)
{
    const size_t size = strlen(name);
    if (size == 0)
        return status_wrap(status, MILVUS_INVALID, "username must be not empty");
    if (size > 32)
        return status_wrap(status, MILVUS_INVALID,
                           "the length of username must be less than 32 characters");
    if (!is_letter(name[0]))
        return status_wrap(status, MILVUS_INVALID,
                           "the first character of user name %s must be a letter", name);
    if (judge(name, "-.", false) != NAME_GOOD)
        return status_wrap(status, MILVUS_INVALID,
                           "user name %s can only contain numbers, letters, underscores, dots and "
                           "hyphens",
                           name);
    return true;
}

bool name_check_password(struct status *status, const char *password)
{
    const size_t size = strlen(password);
    return (size >= 6 && size <= 72) ||
           status_wrap(status, MILVUS_INVALID,
                       "the length of password must be between 6 and 72 characters: "
                       "out of range 6 <= value <= 72, value = %zu",
                       size);
}

bool limit_check_window(struct status *status, int64_t limit, int64_t offset)
{
    if (offset < 0)
        return status_wrap(status, MILVUS_INVALID,
                           "invalid max query result window, offset [%" PRId64
                           "] is invalid, should be gte than 0",
                           offset);
    if (limit <= 0)
        return status_wrap(status, MILVUS_INVALID,
                           "invalid max query result window, limit [%" PRId64
                           "] is invalid, should be greater than 0",
                           limit);
    if (limit > LIMIT_ROWS || offset > LIMIT_ROWS || limit + offset > LIMIT_ROWS)
        return status_wrap(status, MILVUS_INVALID,
                           "invalid max query result window, (offset+limit) should be in range "
                           "[1, %d], but got %" PRId64,
                           LIMIT_ROWS, limit > INT64_MAX - offset ? INT64_MAX : limit + offset);
    return true;
}

bool number_parse_int(const char *text, int64_t *ret_value)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    while (isspace((unsigned char)*end))
        end++;
    if (end == text || *end != '\0' || errno != 0)
        return false;
    *ret_value = value;
    return true;
}

bool number_parse_double(const char *text, double *ret_value)
{
    char *end;
    const double value = strtod(text, &end);
    while (isspace((unsigned char)*end))
        end++;
    if (end == text || *end != '\0' || isnan(value))
        return false;
    *ret_value = value;
    return true;
}

bool number_parse_bool(const char *text)
{
    return strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcasecmp(text, "t") == 0;
}
