/* search_trace.h: what one query did, segment by segment, for people who want to know why it is
 * fast or slow. The same search as search_run(), by one thread, with the clock read between tasks.
 */
#ifndef GODWIT_ENGINE_SEARCH_TRACE_H
#define GODWIT_ENGINE_SEARCH_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/search.h"

struct search_trace_part {
    size_t segment;   /* index in the snapshot */
    uint64_t live;    /* rows of it ... */
    uint64_t passing; /* ... that the filter lets through */
    const char *plan; /* "flat", "lists" ... */
    const char *why;  /* a sentence without a full stop */
    double cost_us;   /* modelled, of the plan ... */
    double flat_us;   /* ... and of an exact scan */
    uint64_t opened;  /* lists; 0 for other plans */
    uint64_t scanned; /* rows, or their codes, that were looked at */
    uint64_t scored;  /* rows scored exactly */
    uint64_t time_ns;
};

struct search_trace {
    struct search_trace_part *parts; /* of the wanted segments */
    size_t count;
    unsigned level;         /* that was asked for, in the end */
    bool is_completed;      /* an index was not sure of its answer: all rows were scanned as well */
    uint64_t plan_ns;       /* choosing plans */
    uint64_t search_ns;     /* all segments */
    uint64_t completion_ns; /* sorting hits, and the scan of all rows if there was one */
};

/* request->query_count must be 1; threads is taken as 1. Errors: as search_run(). Release the trace
 * with search_trace_release(), the result as usual. */
enum err_code search_run_traced(struct snapshot *snapshot, const struct search_request *request,
                                struct search_trace *ret_trace, struct search_result *ret_result,
                                struct err *err) MUST_USE;
void search_trace_release(struct search_trace *trace); /* zeroed accepted */

#endif
