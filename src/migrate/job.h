/* job.h: the states of a job, and what may happen to it.
 *
 * The machine is the table in job.c: what is not in it cannot happen. The sentences are what people
 * read in lists and reports. */
#ifndef GODWIT_MIGRATE_JOB_H
#define GODWIT_MIGRATE_JOB_H

#include <stdbool.h>
#include <stddef.h>

enum job_state {
    JOB_PENDING,    /* not started, or stopped on request */
    JOB_MIGRATING,  /* a process works on it, or died doing so */
    JOB_SUCCESSFUL, /* every row was read back and agrees, and all is visible */
    JOB_FAILED,     /* stopped by an error */
    JOB_CANCELLED,  /* given up; its staged work is gone */
    JOB_STATE_COUNT
};

enum job_event {
    JOB_START,
    JOB_RESUME,
    JOB_VERIFIED,
    JOB_BROKE,
    JOB_STOPPED,
    JOB_CANCEL,
    JOB_EVENT_COUNT
};

struct job_step {
    enum job_state from;
    enum job_event event;
    enum job_state to;
    const char *sentence;
};

/* The step, or NULL when the event is not possible in this state. */
const struct job_step *job_find_step(enum job_state from, enum job_event event);
const char *job_state_name(enum job_state state);
bool job_state_from_name(const char *name, enum job_state *ret_state);
const char *job_event_name(enum job_event event);
/* True when the job may still be continued. */
bool job_is_open(enum job_state state);

/* What is known of one segment of a job. */
enum job_segment_state { SEGMENT_WAITING, SEGMENT_CLAIMED, SEGMENT_COPIED, SEGMENT_DONE };
const char *job_segment_state_name(enum job_segment_state state);
bool job_segment_state_from_name(const char *name, enum job_segment_state *ret_state);

#endif
