/* main.c: the program's start; everything else is in cli/. */
#include <stdio.h>

#include "base/fault.h"
#include "base/portable.h"
#include "base/sql.h"
#include "cli/cli.h"
#include "cli/interrupt.h"

int main(int argc, char **argv)
{
    portable_start();
    if (!fault_from_environment()) {
        (void)fputs("godwit: error: GODWIT_FAULT cannot be understood\n", stderr);
        return 2;
    }
    sql_start();
    interrupt_start();
    return cli_main(argc, argv);
}
