/* job.c: see job.h. */
#include "migrate/job.h"

#include <string.h>

static const struct job_step job_steps[] = {
    {JOB_PENDING, JOB_START, JOB_MIGRATING, "started copying segments"},
    {JOB_PENDING, JOB_RESUME, JOB_MIGRATING, "continued after a stop"},
    {JOB_PENDING, JOB_CANCEL, JOB_CANCELLED, "cancelled before its end"},
    {JOB_MIGRATING, JOB_RESUME, JOB_MIGRATING, "continued after its process died"},
    {JOB_MIGRATING, JOB_VERIFIED, JOB_SUCCESSFUL, "every row was read back and agrees"},
    {JOB_MIGRATING, JOB_BROKE, JOB_FAILED, "stopped by an error"},
    {JOB_MIGRATING, JOB_STOPPED, JOB_PENDING, "stopped on request"},
    {JOB_MIGRATING, JOB_CANCEL, JOB_CANCELLED, "cancelled after its process died"},
    {JOB_FAILED, JOB_RESUME, JOB_MIGRATING, "continued after a failure"},
    {JOB_FAILED, JOB_CANCEL, JOB_CANCELLED, "cancelled after a failure"},
};

static const char *const state_names[JOB_STATE_COUNT] = {"PENDING", "MIGRATING", "SUCCESSFUL",
                                                         "FAILED", "CANCELLED"};
static const char *const event_names[JOB_EVENT_COUNT] = {"start", "resume", "finish",
                                                         "fail",  "stop",   "cancel"};
static const char *const segment_names[] = {"waiting", "claimed", "copied", "done"};

const struct job_step *job_find_step(enum job_state from, enum job_event event)
{
    for (size_t k = 0; k < sizeof job_steps / sizeof *job_steps; k++)
        if (job_steps[k].from == from && job_steps[k].event == event)
            return &job_steps[k];
    return NULL;
}

const char *job_state_name(enum job_state state)
{
    return state_names[state];
}

const char *job_event_name(enum job_event event)
{
    return event_names[event];
}

static bool find_name(const char *const *names, size_t count, const char *name, size_t *ret_index)
{
    for (size_t k = 0; k < count; k++) {
        if (strcmp(names[k], name) == 0) {
            *ret_index = k;
            return true;
        }
    }
    return false;
}

bool job_state_from_name(const char *name, enum job_state *ret_state)
{
    size_t index;
    if (!find_name(state_names, JOB_STATE_COUNT, name, &index))
        return false;
    *ret_state = (enum job_state)index;
    return true;
}

bool job_is_open(enum job_state state)
{
    return state != JOB_SUCCESSFUL && state != JOB_CANCELLED;
}

const char *job_segment_state_name(enum job_segment_state state)
{
    return segment_names[state];
}

bool job_segment_state_from_name(const char *name, enum job_segment_state *ret_state)
{
    size_t index;
    if (!find_name(segment_names, sizeof segment_names / sizeof *segment_names, name, &index))
        return false;
    *ret_state = (enum job_segment_state)index;
    return true;
}
