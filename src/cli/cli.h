/* cli.h: from argv to an exit status. */
#ifndef GODWIT_CLI_CLI_H
#define GODWIT_CLI_CLI_H

/* Runs the command that argv names and tells its error, once, on stderr. Returns the exit status of
 * the contract (err_mapping). argv is written to: secrets in it are wiped. */
int cli_main(int argc, char **argv);

#endif
