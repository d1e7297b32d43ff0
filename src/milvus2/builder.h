/* builder.h: work in the background: indexes of sealed segments, and compactions asked for.
 *
 * One thread of low priority; what it starts inherits the priority. It builds as the folder's only
 * builder (engine/index_builder.h); when another process is at it, that one is asked. A build that
 * the server's end interrupts is done again at its next start. Threads: any. */
#ifndef GODWIT_MILVUS2_BUILDER_H
#define GODWIT_MILVUS2_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "milvus2/api.h"

#define BUILDER_NICE 10
#define BUILDER_QUEUE_MAX 65536

struct builder;

/* Made before the writer starts, which tells it of new segments; the thread starts later, with the
 * indexes that any collection lacks. */
enum err_code builder_open(struct api *api, struct builder **ret_builder, struct err *err) MUST_USE;
enum err_code builder_start(struct builder *builder, struct err *err) MUST_USE;
/* Interrupts what runs; what is added later is forgotten. NULL accepted. */
void builder_stop(struct builder *builder);
void builder_close(struct builder *builder); /* after the writer has stopped; NULL accepted */

/* There are new sealed segments. */
void builder_add_index(struct builder *builder);
/* Compacts; tells sessions.h when `id` is done. */
void builder_add_compaction(struct builder *builder, int64_t collection, int64_t id);

#endif
