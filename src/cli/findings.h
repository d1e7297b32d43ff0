/* findings.h: what a reader noticed in a source, for people and as JSON. */
#ifndef GODWIT_CLI_FINDINGS_H
#define GODWIT_CLI_FINDINGS_H

#include <stddef.h>

#include "base/text.h"
#include "flow/finding.h"

/* All findings from `least` severity on, the worst first, at most `shown_max`; a last line counts
 * those not shown. Nothing when there are none. */
void findings_write(const struct finding_list *findings, enum finding_severity least,
                    size_t shown_max, struct text *text);
/* "findings": [...], "findings_left_out": N. */
void findings_add_json(const struct finding_list *findings, struct text *text);
/* "1 damage, 2 warnings" */
void findings_count_words(const struct finding_list *findings, struct text *text);

#endif
