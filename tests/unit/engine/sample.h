/* sample.h: a small source collection in memory, or in files shaped like .rv and .uid, and the
 * truth beside it; a scratch folder; a whole migration in one call. For the tests of engine/ and
 * target/. */
#ifndef GODWIT_TESTS_ENGINE_SAMPLE_H
#define GODWIT_TESTS_ENGINE_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/database.h"
#include "engine/staging.h"
#include "flow/source.h"

#define SAMPLE_SEGMENTS_MAX 4
#define SAMPLE_ROWS_MAX 4096

struct sample_segment {
    size_t rows;
    int64_t *ids;
    uint8_t *vectors;
    uint64_t *dead; /* NULL: none */
    char *ids_path; /* files with an 8 byte header; NULL: only in memory */
    char *vectors_path;
};

struct sample {
    struct source_collection collection;
    struct source_partition partitions[3]; /* "_default", "a b", "\xe7\x8c\xab" */
    struct source_segment segments[SAMPLE_SEGMENTS_MAX];
    struct sample_segment data[SAMPLE_SEGMENTS_MAX];
};

struct sample_options {
    enum metric_type metric;
    size_t dim;
    size_t segments;  /* segment k is in partition k % 3 */
    size_t rows;      /* of each */
    int64_t first_id; /* ids count up from here, in a shuffled order within a segment */
    unsigned seed;
    bool has_dead;      /* every fifth row or so */
    const char *folder; /* files are made here; NULL: none */
};

/* A new folder for the running test; scratch_remove() in teardown. */
char *scratch_make(void);
void scratch_remove(char *folder);
char *scratch_path(const char *folder, const char *name); /* free with mem_free */

void sample_init(struct sample *sample, const struct sample_options *options);
void sample_release(struct sample *sample);
/* A reader over segment k; has extents when the sample has files. */
struct segment_reader *sample_reader(const struct sample *sample, size_t k);
bool sample_is_live(const struct sample *sample, size_t k, size_t row);

/* Stages, stores and publishes under `name`; the first error ends it. */
struct sample_job {
    const char *name;
    const char *token;
    enum if_exists if_exists;
    bool link;
    bool is_not_published; /* stop before publishing */
    size_t threads;        /* that store segments; 0: one */
};
enum err_code sample_migrate(struct database *database, const struct sample *sample,
                             const struct sample_job *job, struct err *err);
/* Opens the folder for writing (made when absent), migrates, closes. */
enum err_code sample_migrate_to(const char *folder, const struct sample *sample,
                                const struct sample_job *job, struct err *err);
/* Fails the test unless the collection holds exactly the live rows of these samples, in their
 * partitions, bit for bit. */
void sample_expect(struct database *database, const char *name, const struct sample *const *samples,
                   size_t sample_count);
void sample_expect_snapshot(struct snapshot *snapshot, const struct sample *sample);
void sample_expect_in(const char *folder, const char *name, const struct sample *sample);

/* Asserts ERR_OK and shows the sentence otherwise. */
#define expect_ok(call)                                                                            \
    do {                                                                                           \
        struct err expect_ok_err = {0};                                                            \
        struct err *const err = &expect_ok_err;                                                    \
        if ((call) != ERR_OK)                                                                      \
            fail_msg("%s: %s", #call, err->msg);                                                   \
    } while (0)

#endif
