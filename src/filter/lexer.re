/* lexer.c: tokens of the filter language; made from lexer.re by re2c.
 *
 * Bytes from `at` up to `end`, where a NUL must stand. What is no token becomes a TOKEN_BAD of some
 * kind, which the grammar knows nothing of, so that the sentence can say what is wrong. */
#include <string.h>
#include <strings.h>

#include "filter/parse.h"
#include "grammar.h"

/*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = cursor;
    re2c:define:YYLIMIT = limit;
    re2c:define:YYMARKER = marker;
    re2c:yyfill:enable = 0;
    re2c:eof = 0;
    re2c:flags:case-ranges = 0;

    blank   = [ \t\r\n\f\v]+;
    digit   = [0-9];
    hexit   = [0-9a-fA-F];
    integer = "0" [xX] hexit+ | "0" [bB] [01]+ | "0" [0-7]* | [1-9] digit*;
    exp     = [eE] [+-]? digit+;
    hexexp  = [pP] [+-]? digit+;
    float   = (digit+ "." digit* | "." digit+) exp? | digit+ exp
            | "0" [xX] (hexit+ "."? hexit* | "." hexit+) hexexp;
    escape  = "\\" ([abfnrtv\\'"?] | [0-7]{1,3} | [xX] hexit{1,2} | "u" hexit{4} | "U" hexit{8});
    string  = ["] ([^"\\] | escape)* ["] | ['] ([^'\\] | escape)* ['];
    unsound = ["] ([^"\\] | "\\" [^])* ["] | ['] ([^'\\] | "\\" [^])* ['];
    name    = [A-Za-z_] [A-Za-z0-9_]* | "$meta";
    path    = name ("[" blank? (string | digit+) blank? "]")+;
*/

/* `in[1, 2]` begins like a path whose name is `in`: the token of the word before the bracket, or 0. */
static int word_of(const char *text, size_t size)
{
    static const struct {
        const char *word;
        int number;
    } words[] = {{"in", TOKEN_IN},   {"not", TOKEN_NOT},   {"and", TOKEN_AND},
                 {"or", TOKEN_OR},   {"like", TOKEN_LIKE}, {"exists", TOKEN_EXISTS}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].word) == size && strncasecmp(words[i].word, text, size) == 0)
            return words[i].number;
    return 0;
}

int lexer_next(const char **at, const char *end, struct token *ret_token)
{
    const unsigned char *cursor = (const unsigned char *)*at;
    const unsigned char *limit = (const unsigned char *)end;
    const unsigned char *marker;
    const unsigned char *start;
    int number;
again:
    start = cursor;
    /*!re2c
        blank           { goto again; }
        $               { number = 0; goto done; }
        *               { number = TOKEN_BAD_CHARACTER; goto done; }
        [\xC0-\xFF] [\x80-\xBF]* { number = TOKEN_BAD_CHARACTER; goto done; }
        'and' | "&&"    { number = TOKEN_AND; goto done; }
        'or' | "||"     { number = TOKEN_OR; goto done; }
        'not' | "!"     { number = TOKEN_NOT; goto done; }
        'in'            { number = TOKEN_IN; goto done; }
        'like'          { number = TOKEN_LIKE; goto done; }
        'exists'        { number = TOKEN_EXISTS; goto done; }
        'is'            { number = TOKEN_IS; goto done; }
        'null'          { number = TOKEN_NULL; goto done; }
        'true' | 'false' { number = TOKEN_BOOL; goto done; }
        "=="            { number = TOKEN_EQ; goto done; }
        "!="            { number = TOKEN_NE; goto done; }
        "<="            { number = TOKEN_LE; goto done; }
        ">="            { number = TOKEN_GE; goto done; }
        "<<" | ">>"     { number = TOKEN_SHIFT; goto done; }
        "<"             { number = TOKEN_LT; goto done; }
        ">"             { number = TOKEN_GT; goto done; }
        "**"            { number = TOKEN_POW; goto done; }
        "*"             { number = TOKEN_MUL; goto done; }
        "/"             { number = TOKEN_DIV; goto done; }
        "%"             { number = TOKEN_MOD; goto done; }
        "+"             { number = TOKEN_ADD; goto done; }
        "-"             { number = TOKEN_SUB; goto done; }
        "~"             { number = TOKEN_INVERT; goto done; }
        "&"             { number = TOKEN_BAND; goto done; }
        "|"             { number = TOKEN_BOR; goto done; }
        "^"             { number = TOKEN_BXOR; goto done; }
        "("             { number = TOKEN_LPAREN; goto done; }
        ")"             { number = TOKEN_RPAREN; goto done; }
        "["             { number = TOKEN_LBRACKET; goto done; }
        "]"             { number = TOKEN_RBRACKET; goto done; }
        ","             { number = TOKEN_COMMA; goto done; }
        "{" blank? name blank? "}" { number = TOKEN_TEMPLATE; goto done; }
        integer         { number = TOKEN_INT; goto done; }
        float           { number = TOKEN_FLOAT; goto done; }
        digit [0-9A-Za-z_]* { number = TOKEN_BAD_NUMBER; goto done; }
        string          { number = TOKEN_STRING; goto done; }
        unsound         { number = TOKEN_BAD_ESCAPE; goto done; }
        ["']            { number = TOKEN_BAD_STRING; goto done; }
        name            { number = TOKEN_NAME; goto done; }
        path            { goto path; }
    */
path:
    number = word_of((const char *)start, strcspn((const char *)start, "["));
    if (number != 0)
        cursor = start + strcspn((const char *)start, "[");
    else
        number = TOKEN_PATH;
done:
    *ret_token = (struct token){(const char *)start, (size_t)(cursor - start)};
    *at = (const char *)cursor;
    return number;
}
