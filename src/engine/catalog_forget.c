/* catalog_forget.c: see catalog_forget.h. */
#include "engine/catalog_forget.h"

#include "engine/catalog.h"

/* ?1 is the collection, ?2 the partition or 0. What is dead goes with what it is dead in. */
static const char *const row_statements[] = {
    "DELETE FROM dead WHERE collection = ?1 AND segment <> 0 AND segment IN"
    " (SELECT id FROM segment WHERE collection = ?1 AND (?2 = 0 OR partition = ?2))",
    "DELETE FROM dead WHERE collection = ?1 AND segment = 0 AND batch IN"
    " (SELECT id FROM pending WHERE collection = ?1 AND (?2 = 0 OR partition = ?2))",
    "DELETE FROM column_file WHERE segment IN"
    " (SELECT id FROM segment WHERE collection = ?1 AND (?2 = 0 OR partition = ?2))",
    "DELETE FROM pending WHERE collection = ?1 AND (?2 = 0 OR partition = ?2)",
};

static const char *const collection_statements[] = {
    "DELETE FROM declared_index WHERE collection = ?1",
    "DELETE FROM field WHERE collection = ?1",
    "DELETE FROM alias WHERE collection = ?1",
    "DELETE FROM detail WHERE collection = ?1",
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

enum err_code catalog_forget_rows(struct sql *sql, int64_t collection, int64_t partition,
                                  struct err *err)
{
    bool has_rows = false;
    enum err_code code = catalog_has_rows(sql, &has_rows, err);
    for (size_t k = 0; code == ERR_OK && has_rows && k < COUNT_OF(row_statements); k++)
        code = catalog_run(sql, err, row_statements[k], "ii", collection, partition);
    if (code == ERR_OK)
        code = catalog_run(
            sql, err, "DELETE FROM segment WHERE collection = ?1 AND (?2 = 0 OR partition = ?2)",
            "ii", collection, partition);
    return code;
}

enum err_code catalog_forget_collection(struct sql *sql, int64_t collection, struct err *err)
{
    bool has_rows = false;
    enum err_code code = catalog_forget_rows(sql, collection, 0, err);
    if (code == ERR_OK)
        code = catalog_has_rows(sql, &has_rows, err);
    for (size_t k = 0; code == ERR_OK && has_rows && k < COUNT_OF(collection_statements); k++)
        code = catalog_run(sql, err, collection_statements[k], "i", collection);
    if (code == ERR_OK)
        code =
            catalog_run(sql, err, "DELETE FROM partition WHERE collection = ?1", "i", collection);
    if (code == ERR_OK)
        code = catalog_run(sql, err, "DELETE FROM collection WHERE id = ?1", "i", collection);
    return code;
}
