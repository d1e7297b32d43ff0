/* finding.h: what a reader noticed in a source: where, what was found, what was expected, and what
 * will happen to it. `inspect` prints them, reports carry them, jobs decide by them. */
#ifndef GODWIT_FLOW_FINDING_H
#define GODWIT_FLOW_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum finding_severity {
    FINDING_NOTE,    /* worth knowing; nothing is lost or changed */
    FINDING_WARNING, /* migrated, but somebody should look */
    FINDING_DAMAGE,  /* cannot be migrated: needs --skip-damaged, then exit 6 */
    FINDING_REFUSED  /* the whole source cannot be migrated as it is */
};

struct finding {
    enum finding_severity severity;
    const char *code;       /* short stable name for machines: "segment-damaged" */
    const char *collection; /* "" when it concerns the whole source */
    const char *partition;  /* tag, "" when it concerns the whole collection */
    const char *path;       /* file, or "" */
    bool has_offset;
    uint64_t offset;
    const char *found; /* "" when there is nothing to say */
    const char *expected;
    const char *consequence; /* what will happen to it / what to do */
    uint64_t rows;           /* rows concerned, when known */
};

/* A growing list; all text is copied into the arena it was made with. */
struct finding_list {
    struct finding *items;
    size_t count;
    size_t capacity;
    uint64_t dropped; /* findings past FINDINGS_MAX: counted, not kept */
    struct arena *arena;
};

#define FINDINGS_MAX 10000

void finding_list_init(struct finding_list *list, struct arena *arena);
/* Copies the finding (NULL texts become ""). ERR_NOMEM only. */
enum err_code finding_add(struct finding_list *list, const struct finding *finding,
                          struct err *err) MUST_USE;
void finding_list_release(struct finding_list *list); /* the arena is the owner's */
const char *finding_severity_name(enum finding_severity severity);
/* Number of findings of this severity. */
size_t finding_count(const struct finding_list *list, enum finding_severity severity);

#endif
