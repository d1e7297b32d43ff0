/* labels.h: a file that says what ids mean: lines "ID<tab>LABEL[<tab>...]". A first line whose
 * first field is no integer is a head line. Used to show words instead of numbers. */
#ifndef GODWIT_CLI_LABELS_H
#define GODWIT_CLI_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LABELS_SIZE_MAX ((size_t)1 << 30)

struct label {
    int64_t id;
    const char *text;
};

struct labels {
    struct label *items; /* sorted by id; of one id the first line of the file first */
    size_t count;
    char *data; /* private */
};

/* ERR_NOT_FOUND, ERR_CORRUPT (larger than LABELS_SIZE_MAX), ERR_INVALID naming the line, ERR_NOMEM.
 */
enum err_code labels_load(const char *path, struct labels *ret_labels, struct err *err) MUST_USE;
void labels_release(struct labels *labels); /* zeroed accepted */
/* The label of an id, or NULL. */
const char *labels_get(const struct labels *labels, int64_t id);
/* The smallest id that has this label; false when none has. */
bool labels_find(const struct labels *labels, const char *text, int64_t *ret_id);

#endif
