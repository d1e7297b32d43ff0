/* writer_model_test.c: random changes beside a model of what should be there; the process that
 * makes them is killed at some call that changes the disk, again and again. After each death
 * everything that was acknowledged is there, nothing twice, and the change that was under way is
 * there as a whole or not at all.
 *
 *     engine_writer_model_test [SEED [ROUNDS]]       the seed is printed; one seed is one run */
#include "rows_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEYS 160
#define OPERATIONS 40 /* of a child, at most */
#define CALLS_MAX 700 /* a child is killed at a call before this one; later ones live */

enum kind { INSERT, DELETE, FLUSH, COMPACT, REOPEN, LOOK };

/* Version of each key's row; 0: there is none. */
struct model {
    uint32_t versions[KEYS];
};

struct operation {
    enum kind kind;
    int64_t keys[KEYS];
    size_t count;
    uint32_t version;
};

/* Of both processes. */
struct shared {
    uint32_t started;
    uint32_t acknowledged;
    bool has_failed; /* what the child saw was wrong */
};

static uint64_t seed_of_run = 1;
static size_t rounds = 40;

static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15U;
    uint64_t z = *state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

/* The operation of a number; the same in both processes. */
static void make_operation(uint32_t number, struct operation *operation)
{
    uint64_t state = seed_of_run * 1000003 + number;
    const uint64_t dice = next_random(&state) % 20;
    *operation = (struct operation){.version = number + 1};
    operation->kind = dice < 10   ? INSERT
                      : dice < 15 ? DELETE
                      : dice < 16 ? FLUSH
                      : dice < 17 ? COMPACT
                      : dice < 18 ? REOPEN
                                  : LOOK;
    if (operation->kind > DELETE)
        return;
    operation->count = 1 + next_random(&state) % 40;
    for (size_t k = 0; k < operation->count; k++)
        operation->keys[k] = (int64_t)(next_random(&state) % KEYS);
}

static void apply(struct model *model, const struct operation *operation)
{
    for (size_t k = 0; operation->kind <= DELETE && k < operation->count; k++)
        model->versions[operation->keys[k]] = operation->kind == INSERT ? operation->version : 0;
}

/* Nothing is there twice: as many rows as keys. */
static bool is_as(struct snapshot *snapshot, const struct model *model)
{
    uint64_t rows = 0;
    for (int64_t key = 0; key < KEYS; key++) {
        rows += model->versions[key] != 0;
        if (fixture_find(snapshot, key) != model->versions[key])
            return false;
    }
    return snapshot_facts(snapshot)->rows == rows;
}

static bool run_operation(struct fixture *fixture, const char *folder,
                          const struct operation *operation, const struct model *before)
{
    static const struct collection_name name = {.name = "c"};
    const struct writer_options options = {.segment_rows = 50};
    struct snapshot *snapshot = NULL;
    struct err err;
    uint64_t deleted = 0;
    bool is_right = true;
    switch (operation->kind) {
    case INSERT:
        return fixture_insert(fixture, "c", operation->keys, operation->count,
                              operation->version) == ERR_OK;
    case DELETE:
        return fixture_delete(fixture, "c", operation->keys, operation->count, &deleted) == ERR_OK;
    case FLUSH:
        return writer_flush(fixture->writer, name, &err) == ERR_OK;
    case COMPACT:
        return writer_compact(fixture->writer, name, NULL, &err) == ERR_OK;
    case REOPEN:
        fixture_close(fixture);
        fixture_open(fixture, folder, &options);
        return true;
    case LOOK:
        break;
    }
    if (writer_snapshot(fixture->writer, name, &snapshot, &err) != ERR_OK)
        return false;
    is_right = is_as(snapshot, before);
    snapshot_unref(snapshot);
    return is_right;
}

/* The child: operations from a number on, until it dies or has done enough. */
static void run_child(const char *folder, uint32_t first, struct model model, struct shared *shared)
{
    struct fixture fixture;
    const struct writer_options options = {
        .segment_rows = 50, .durability = first % 2 == 0 ? WRITER_STRICT : WRITER_RELAXED};
    fixture_open(&fixture, folder, &options);
    for (uint32_t number = first; number < first + OPERATIONS && !shared->has_failed; number++) {
        struct operation operation;
        make_operation(number, &operation);
        shared->started = number + 1;
        if (!run_operation(&fixture, folder, &operation, &model))
            shared->has_failed = true;
        apply(&model, &operation);
        shared->acknowledged = number + 1;
    }
    fixture_close(&fixture);
    _exit(0);
}

static void describe(struct snapshot *snapshot, const struct model *before,
                     const struct model *after, const struct shared *shared)
{
    print_error("seed %lu, operation %u under way, %u acknowledged, %lu rows\n",
                (unsigned long)seed_of_run, shared->started - 1, shared->acknowledged,
                (unsigned long)snapshot_facts(snapshot)->rows);
    for (int64_t key = 0; key < KEYS; key++) {
        const uint32_t found = fixture_find(snapshot, key);
        if (found != before->versions[key] || found != after->versions[key])
            print_error("key %ld: %u, expected %u or %u\n", (long)key, found, before->versions[key],
                        after->versions[key]);
    }
}

static void check_after(const char *folder, struct model *model, const struct shared *shared)
{
    struct database *database = NULL;
    struct snapshot *snapshot = NULL;
    struct err err = {0};
    struct model other = *model;
    assert_int_equal(database_open(folder, DATABASE_READ, &database, &err), ERR_OK);
    const enum err_code code = database_snapshot(database, "c", &snapshot, &err);
    if (code != ERR_OK)
        print_error("%s\n", err.msg);
    assert_int_equal(code, ERR_OK);
    if (shared->started > shared->acknowledged) {
        struct operation operation;
        make_operation(shared->acknowledged, &operation);
        apply(&other, &operation);
    }
    if (!is_as(snapshot, model)) {
        if (!is_as(snapshot, &other))
            describe(snapshot, model, &other, shared);
        assert_true(is_as(snapshot, &other));
        *model = other;
    }
    snapshot_unref(snapshot);
    database_close(database);
}

static void check_rounds(bool has_text_keys)
{
    struct model model = {{0}};
    struct fixture fixture;
    struct err err;
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char folder[FILE_PATH_MAX];
    uint64_t state = seed_of_run;
    uint32_t number = 0;
    size_t killed = 0;
    assert_true(shared != MAP_FAILED);
    (void)snprintf(folder, sizeof folder, "%s", scratch("db"));
    fixture_open(&fixture, folder, NULL);
    assert_int_equal(fixture_create(&fixture, "c", has_text_keys, &err), ERR_OK);
    fixture_close(&fixture);
    for (size_t round = 0; round < rounds; round++) {
        char fault[64];
        *shared = (struct shared){number, number, false};
        (void)snprintf(fault, sizeof fault, "any:%u:kill",
                       (unsigned)(next_random(&state) % CALLS_MAX));
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (setenv("GODWIT_FAULT", fault, 1) != 0 || !fault_from_environment())
                _exit(2);
            run_child(folder, number, model, shared);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
        if (shared->has_failed)
            print_error("seed %lu, round %zu, operation %u failed\n", (unsigned long)seed_of_run,
                        round, shared->started - 1);
        assert_false(shared->has_failed);
        killed += WIFSIGNALED(status);
        for (; number < shared->acknowledged; number++) {
            struct operation operation;
            make_operation(number, &operation);
            apply(&model, &operation);
        }
        check_after(folder, &model, shared);
        number = shared->started;
    }
    assert_true(killed > rounds / 4);
    (void)munmap(shared, sizeof *shared);
}

static void test_writer_model__killed_with_int_keys(void **state)
{
    (void)state;
    check_rounds(false);
}

static void test_writer_model__killed_with_text_keys(void **state)
{
    (void)state;
    check_rounds(true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_writer_model__killed_with_int_keys),
        SCRATCH_TEST(test_writer_model__killed_with_text_keys),
    };
    if (argc > 1)
        seed_of_run = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        rounds = (size_t)strtoull(argv[2], NULL, 10);
    print_message("seed %lu, %zu rounds\n", (unsigned long)seed_of_run, rounds);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
