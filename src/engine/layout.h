/* layout.h: where things are in a database folder; the only file that knows names. Touches nothing.
 */
#ifndef GODWIT_ENGINE_LAYOUT_H
#define GODWIT_ENGINE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#define LAYOUT_IDS "ids"
#define LAYOUT_VECTORS "vec"
#define LAYOUT_SUMS "sum"
#define LAYOUT_DEAD "dead"
#define LAYOUT_COLUMNS "col"
#define LAYOUT_LISTS "lists" /* derived: an index of the plan LISTS */
#define LAYOUT_GRAPH "graph" /* derived: one of the plan GRAPH */
#define LAYOUT_BITS "bits"   /* derived: one of binary vectors */
#define LAYOUT_BUILT "built" /* what building the index took */

/* All return text for mem_free, NULL when memory ends. */
char *layout_catalog(const char *folder);
char *layout_lock(const char *folder);
char *layout_index_lock(const char *folder);   /* held by whoever builds indexes */
char *layout_index_status(const char *folder); /* how far that is */
char *layout_index_wanted(const char *folder); /* exists: the builder is to look once more */
char *layout_index_log(const char *folder);    /* what the last one in the background said */
char *layout_segments(const char *folder);
char *layout_segment_folder(const char *folder, uint64_t segment_folder);
/* FOLDER/segments/C/NNNNNN without the extension. */
char *layout_segment_stem(const char *folder, uint64_t segment_folder, uint64_t number);
char *layout_file(const char *stem, const char *extension);
/* A file of an index: of the first vector field (0), or of the one with this id:
 * NNNNNN.fID.EXTENSION. */
char *layout_index_file(const char *stem, int64_t vector_field, const char *extension);

/* The other way: is the name one of ours? */
bool layout_parse_folder(const char *name, uint64_t *ret_segment_folder);
/* "NNNNNN.EXT", "NNNNNN.fID.EXT" of an index; false for anything else, ".tmp" names too. */
bool layout_parse_file(const char *name, uint64_t *ret_number);
/* "NNNNNN.EXT.tmp", "NNNNNN.fID.EXT.tmp" of a derived file, which may be in the making without the
 * folder's lock. */
bool layout_parse_index_temporary(const char *name, uint64_t *ret_number);
/* True for what may lie in a folder whose database is only half made. */
bool layout_is_own_name(const char *name);

#endif
