/* grammar.c: the grammar of the filter language; made from grammar.y by lemon.
 *
 * Precedence is that of Milvus, loosest first, but for `not`, which also covers a comparison behind
 * it: `not a == 1` is `not (a == 1)`. The automaton has a stack of its own, of fixed size: what nests
 * deeper is refused, and nothing recurses. */
%name Grammar
%token_prefix TOKEN_
%token_type {struct token}
%default_type {struct expr *}
%extra_context {struct parse *parse}
%stack_size 600
%start_symbol filter

%include {
#include <assert.h>
#include <string.h>

#include "filter/parse.h"

#define NEAR_SIZE_MAX 40 /* bytes of a token in a sentence */

static void fail_near(struct parse *parse, const char *what, const struct token *token)
{
    parse_fail(parse, "%s at byte %zu, near \"%.*s\"", what, (size_t)(token->text - parse->start),
               (int)parse_shown(token->text, token->size, NEAR_SIZE_MAX), token->text);
}
}

%syntax_error {
    (void)yymajor;
    if (TOKEN.size == 0)
        parse_fail(parse, "syntax error: the expression ends too early");
    else
        fail_near(parse, "syntax error", &TOKEN);
}
%stack_overflow {
    parse_fail(parse, "the expression nests too deeply");
}

/* A key may be called `is` or `null`. */
%fallback NAME IS NULL.

%left OR.
%left AND.
%right NOT.
%left BOR.
%left BXOR.
%left BAND.
%left EQ NE.
%left LT LE GT GE.
%left IN NOTIN.
%left SHIFT.
%left ADD SUB.
%left MUL DIV MOD.
%right SIGN INVERT.
%left POW.
%left LIKE.
%right EXISTS.

filter ::= expr(E). { parse->root = build_root(parse, E); }

expr(A) ::= INT(T). { A = literal_int(parse, T, false); }
expr(A) ::= MININT(T). { A = literal_int(parse, T, true); }
expr(A) ::= FLOAT(T). { A = literal_float(parse, T); }
expr(A) ::= STRING(T). { A = literal_string(parse, T); }
expr(A) ::= BOOL(T). { A = literal_bool(parse, T); }
expr(A) ::= TEMPLATE(T). { A = literal_template(parse, T); }
expr(A) ::= reference(R). { A = R; }
expr(A) ::= LPAREN expr(E) RPAREN. {
    A = E;
    if (A != NULL)
        A->is_half_range = false;
}
expr(A) ::= LBRACKET(T) RBRACKET. { A = build_list(parse, T); }
expr(A) ::= LBRACKET items(L) RBRACKET. { A = L; }
expr(A) ::= LBRACKET items(L) COMMA RBRACKET. { A = L; }
items(A) ::= expr(E). {
    A = E != NULL ? build_list_add(parse, build_list(parse, E->token), E) : NULL;
}
items(A) ::= items(L) COMMA expr(E). { A = build_list_add(parse, L, E); }

reference(A) ::= NAME(T). { A = literal_reference(parse, T); }
reference(A) ::= PATH(T). { A = literal_reference(parse, T); }
expr(A) ::= reference(R) IS NULL. { A = build_null(parse, R, false); }
expr(A) ::= reference(R) IS NOT NULL. { A = build_null(parse, R, true); }

%type arguments {struct arguments}
expr(A) ::= NAME(T) LPAREN RPAREN. { A = build_call(parse, T, &(struct arguments){.count = 0}); }
expr(A) ::= NAME(T) LPAREN arguments(G) RPAREN. { A = build_call(parse, T, &G); }
arguments(A) ::= expr(E). { A = (struct arguments){.items = {E}, .count = 1}; }
arguments(A) ::= arguments(G) COMMA expr(E). {
    A = G;
    if (A.count < PARSE_ARGUMENTS_MAX)
        A.items[A.count++] = E;
    else
        parse_fail(parse, "no function takes more than %d arguments", PARSE_ARGUMENTS_MAX);
}

expr(A) ::= EXISTS expr(E). { A = build_exists(parse, E); }
expr(A) ::= expr(L) LIKE expr(R). { A = build_like(parse, L, R); }
expr(A) ::= expr(L) POW expr(R). { A = build_power(parse, L, R); }
expr(A) ::= ADD expr(E). [SIGN] { A = build_positive(parse, E); }
expr(A) ::= SUB expr(E). [SIGN] { A = build_negative(parse, E); }
expr(A) ::= INVERT(T) expr. { A = build_refused(parse, T); }
expr(A) ::= expr(L) MUL expr(R). { A = build_arith(parse, ARITH_MUL, L, R); }
expr(A) ::= expr(L) DIV expr(R). { A = build_arith(parse, ARITH_DIV, L, R); }
expr(A) ::= expr(L) MOD expr(R). { A = build_arith(parse, ARITH_MOD, L, R); }
expr(A) ::= expr(L) ADD expr(R). { A = build_arith(parse, ARITH_ADD, L, R); }
expr(A) ::= expr(L) SUB expr(R). { A = build_arith(parse, ARITH_SUB, L, R); }
expr(A) ::= expr SHIFT(T) expr. { A = build_refused(parse, T); }
expr(A) ::= expr(L) IN expr(R). { A = build_in(parse, L, R, false); }
expr(A) ::= expr(L) NOTIN expr(R). { A = build_in(parse, L, R, true); }
expr(A) ::= expr(L) LT expr(R). { A = build_compare(parse, OP_LT, L, R); }
expr(A) ::= expr(L) LE expr(R). { A = build_compare(parse, OP_LE, L, R); }
expr(A) ::= expr(L) GT expr(R). { A = build_compare(parse, OP_GT, L, R); }
expr(A) ::= expr(L) GE expr(R). { A = build_compare(parse, OP_GE, L, R); }
expr(A) ::= expr(L) EQ expr(R). { A = build_compare(parse, OP_EQ, L, R); }
expr(A) ::= expr(L) NE expr(R). { A = build_compare(parse, OP_NE, L, R); }
expr(A) ::= expr BAND(T) expr. { A = build_refused(parse, T); }
expr(A) ::= expr BXOR(T) expr. { A = build_refused(parse, T); }
expr(A) ::= expr BOR(T) expr. { A = build_refused(parse, T); }
expr(A) ::= NOT expr(E). { A = build_not(parse, E); }
expr(A) ::= expr(L) AND expr(R). { A = build_and(parse, L, R); }
expr(A) ::= expr(L) OR expr(R). { A = build_or(parse, L, R); }

/* The lexer's own: named here to have a number, in no rule that a text can use. */
filter ::= BAD_CHARACTER BAD_NUMBER BAD_ESCAPE BAD_STRING.

%code {
static const char *bad_token(int number)
{
    switch (number) {
    case TOKEN_BAD_CHARACTER:
        return "unexpected character";
    case TOKEN_BAD_NUMBER:
        return "malformed number";
    case TOKEN_BAD_ESCAPE:
        return "unknown escape in the string";
    case TOKEN_BAD_STRING:
        return "string without end";
    default:
        return NULL;
    }
}

/* `not in` is one operator; the smallest integer can only be written behind a minus. */
static int joined_token(const char **at, const char *end, int previous, struct token *token)
{
    const int number = lexer_next(at, end, token);
    if (number == TOKEN_INT && previous == TOKEN_SUB)
        return TOKEN_MININT;
    if (number != TOKEN_NOT)
        return number;
    const char *behind = *at;
    struct token second;
    if (lexer_next(&behind, end, &second) != TOKEN_IN)
        return number;
    *at = behind;
    return TOKEN_NOTIN;
}

void grammar_run(struct parse *parse, const char *text, size_t size)
{
    const char *at = text;
    yyParser automaton;
    GrammarInit(&automaton, parse);
    for (int number = -1; number != 0 && parse->code == ERR_OK;) {
        struct token token;
        number = joined_token(&at, text + size, number, &token);
        if (bad_token(number) != NULL)
            fail_near(parse, bad_token(number), &token);
        else
            Grammar(&automaton, number, token);
    }
    GrammarFinalize(&automaton);
}
}
