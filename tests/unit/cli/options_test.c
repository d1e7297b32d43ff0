/* options_test.c: words of a command line against a table of options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

static const struct operand_spec operands[] = {
    {.name = "A"}, {.name = "B", .is_optional = true}, {0}};
static const struct option_spec options[] = {
    {.name = "flag", .letter = 'f'},
    {.name = "text", .letter = 't', .kind = OPTION_TEXT, .argument = "T"},
    {.name = "count", .letter = 'k', .kind = OPTION_COUNT, .argument = "N", .min = 1, .max = 256},
    {.name = "size", .kind = OPTION_SIZE, .argument = "S"},
    {.name = "part", .kind = OPTION_NUMBER, .argument = "R", .max = 1},
    {.name = "choice", .kind = OPTION_CHOICE, .argument = "C", .choices = "keep first fail"},
    {.name = "id", .kind = OPTION_ID, .argument = "ID"},
    {.name = "many", .kind = OPTION_TEXT, .is_repeatable = true, .argument = "M"},
    {.name = "secret", .kind = OPTION_TEXT, .is_secret = true, .argument = "URI"},
    {0}};
static const struct command command = {.name = "test", .operands = operands, .options = options};

#define WORDS_MAX 16
#define WORD_SIZE 128

/* Parses words (up to NULL) from writable memory, as argv is. */
struct line {
    char store[WORDS_MAX][WORD_SIZE];
    char *argv[WORDS_MAX];
    struct arguments arguments;
    struct err err;
};

static enum err_code parse(struct line *line, const char *const *words)
{
    int count = 0;
    for (; words[count] != NULL; count++) {
        assert_true(count < WORDS_MAX && strlen(words[count]) < WORD_SIZE);
        memcpy(line->store[count], words[count], strlen(words[count]) + 1);
        line->argv[count] = line->store[count];
    }
    return arguments_parse(&command, count, line->argv, &line->arguments, &line->err);
}

#define PARSE(line, ...) parse(line, (const char *const[]){__VA_ARGS__, NULL})

static void test_options__forms(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(PARSE(&line, "x", "--text", "a b", "-k10", "--size=50M", "-f"), ERR_OK);
    assert_string_equal(arguments_text(&line.arguments, "text"), "a b");
    assert_int_equal(arguments_count(&line.arguments, "count", 0), 10);
    assert_int_equal(arguments_count(&line.arguments, "size", 0), 50000000);
    assert_true(arguments_has(&line.arguments, "flag"));
    assert_false(arguments_has(&line.arguments, "no-color"));
    assert_int_equal(line.arguments.operand_count, 1);
    arguments_release(&line.arguments);
    assert_int_equal(PARSE(&line, "-t=v", "x", "-k", "7", "--", "--flag"), ERR_OK);
    assert_string_equal(arguments_text(&line.arguments, "text"), "v");
    assert_int_equal(arguments_count(&line.arguments, "count", 0), 7);
    assert_string_equal(line.arguments.operands[1], "--flag");
    assert_false(arguments_has(&line.arguments, "flag"));
    arguments_release(&line.arguments);
}

static void test_options__negative_numbers_are_values(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(PARSE(&line, "-5", "--id", "-9223372036854775808"), ERR_OK);
    assert_string_equal(line.arguments.operands[0], "-5");
    assert_int_equal(arguments_id(&line.arguments, "id", 0), INT64_MIN);
    arguments_release(&line.arguments);
}

static void test_options__wrong_values(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"--count=0", "1 to 256"},      {"--count=257", "1 to 256"},
        {"--count=-1", "1 to 256"},     {"--count=3x", "1 to 256"},
        {"--size=5Q", "size"},          {"--size=99999999999T", "size"},
        {"--part=2", "0 to 1"},         {"--part=nan", "0 to 1"},
        {"--choice=kee", "keep first"}, {"--id=9223372036854775808", "64-bit"},
        {"--text=", "empty"},           {"--flag=1", "no value"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct line line;
        assert_int_equal(PARSE(&line, "x", wrong[i][0]), ERR_USAGE);
        assert_non_null(strstr(line.err.msg, wrong[i][1]));
        arguments_release(&line.arguments);
    }
}

static void test_options__missing_and_too_many(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *sentence;
    } wrong[] = {
        {{"--flag"}, "A is missing"},        {{"a", "b", "c"}, "too many"},
        {{"a", "--text"}, "needs a value"},  {{"a", "--text", "--flag"}, "needs a value"},
        {{"a", "--text=1", "-t2"}, "twice"}, {{""}, "empty"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct line line;
        assert_int_equal(parse(&line, wrong[i].words), ERR_USAGE);
        assert_non_null(strstr(line.err.msg, wrong[i].sentence));
        arguments_release(&line.arguments);
    }
}

static void test_options__unknown_names_the_nearest(void **state)
{
    (void)state;
    static const char *const words[][2] = {{"--tetx", "--text"},
                                           {"--cuont=3", "--count"},
                                           {"--sec", "--secret"},
                                           {"--hlep", "--help"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct line line;
        assert_int_equal(PARSE(&line, "x", words[i][0]), ERR_USAGE); /* no abbreviations */
        assert_non_null(strstr(line.err.msg, words[i][1]));
        arguments_release(&line.arguments);
    }
    struct line line;
    assert_int_equal(PARSE(&line, "x", "--quite-another"), ERR_USAGE);
    assert_null(strstr(line.err.msg, "mean"));
    arguments_release(&line.arguments);
}

static void test_options__help_needs_no_operands(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(PARSE(&line, "-h"), ERR_OK);
    assert_true(arguments_has(&line.arguments, "help"));
    arguments_release(&line.arguments);
}

static void test_options__lists(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(PARSE(&line, "x", "--many", "a, b", "--many=c", "--many", " ,,d ,"), ERR_OK);
    const char **list = NULL;
    size_t count = 0;
    assert_int_equal(arguments_list(&line.arguments, "many", &list, &count, &line.err), ERR_OK);
    assert_int_equal(count, 4);
    assert_string_equal(list[0], "a");
    assert_string_equal(list[1], "b");
    assert_string_equal(list[2], "c");
    assert_string_equal(list[3], "d");
    assert_int_equal(arguments_all(&line.arguments, "many", &list, &count, &line.err), ERR_OK);
    assert_int_equal(count, 3);
    assert_string_equal(list[0], "a, b");
    arguments_release(&line.arguments);
}

static void test_options__secrets_are_wiped(void **state)
{
    (void)state;
    struct line line;
    assert_int_equal(PARSE(&line, "mysql://u:pw1@h/d", "--secret", "mysql://u:pw2@h/d"), ERR_OK);
    assert_string_equal(arguments_text(&line.arguments, "secret"), "mysql://u:pw2@h/d");
    assert_string_equal(line.arguments.operands[0], "mysql://u:pw1@h/d");
    for (size_t i = 0; i < 3; i++)
        assert_null(strstr(line.store[i], "pw"));
    arguments_release(&line.arguments);
}

static void test_options__shown_words_have_no_password(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"mysql://u:p@w@h:1/d", "mysql://u:***@h:1/d"},
        {"u:secret@tcp(h:3306)/d", "u:***@tcp(h:3306)/d"},
        {"mysql://u@h:1/d", "mysql://u@h:1/d"},
        {"plain\n\x1b[31m", "plain??[31m"},
        {"a:b@c", "a:b@c"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char shown[64];
        assert_string_equal(show_word(words[i][0], shown, sizeof shown), words[i][1]);
    }
    char small[12];
    assert_true(strlen(show_word("0123456789abcdef", small, sizeof small)) < sizeof small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options__forms),
        cmocka_unit_test(test_options__negative_numbers_are_values),
        cmocka_unit_test(test_options__wrong_values),
        cmocka_unit_test(test_options__missing_and_too_many),
        cmocka_unit_test(test_options__unknown_names_the_nearest),
        cmocka_unit_test(test_options__help_needs_no_operands),
        cmocka_unit_test(test_options__lists),
        cmocka_unit_test(test_options__secrets_are_wiped),
        cmocka_unit_test(test_options__shown_words_have_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
