/* wal_record.c: see wal_record.h. */
#include "milvus1/wal_record.h"

#include <inttypes.h>

enum err_code wal_record_decode(struct bytes in, const struct wal_place *place,
                                struct wal_record *ret_record, struct flaw *ret_flaw)
{
    const uint64_t left = place->file_size - place->offset;
    if (left < WAL_HEADER_SIZE || in.size < WAL_HEADER_SIZE) {
        flaw_set(ret_flaw, ERR_CORRUPT, place->offset, "%" PRIu64 " bytes left in the file", left);
        flaw_expect(ret_flaw, "at least %d bytes of a record's header", WAL_HEADER_SIZE);
        return ERR_CORRUPT;
    }
    const uint8_t *p = in.data;
    const size_t name_size = get_u16(p + 9);
    const size_t tag_size = get_u16(p + 11);
    struct wal_record record = {
        .lsn = get_u64(p), .type = p[8], .id_count = get_u32(p + 13), .data_size = get_u32(p + 17)};
    if (record.type == WAL_ENTITY)
        return flaw_set(ret_flaw, ERR_UNSUPPORTED, place->offset,
                        "a record of a hybrid collection (type %u)", record.type);
    const uint64_t ids_size = (uint64_t)8 * record.id_count;
    record.size = WAL_HEADER_SIZE + name_size + tag_size + ids_size + record.data_size;
    const uint64_t end = (uint64_t)place->file_number << 32 | (place->offset + record.size);
    if (record.size > left) {
        flaw_set(ret_flaw, ERR_CORRUPT, place->offset, "%" PRIu64 " bytes left in the file", left);
        flaw_expect(ret_flaw, "a record of %" PRIu64 " bytes", record.size);
        return ERR_CORRUPT;
    }
    if (place->offset + record.size > UINT32_MAX || record.lsn != end) {
        flaw_set(ret_flaw, ERR_CORRUPT, place->offset, "position %" PRIu64 " in a record",
                 record.lsn);
        flaw_expect(ret_flaw, "position %" PRIu64 ", where the record ends", end);
        return ERR_CORRUPT;
    }
    if (in.size < WAL_HEADER_SIZE + name_size + tag_size)
        return flaw_set(ret_flaw, ERR_CORRUPT, place->offset, "names cut off");
    record.collection = (struct bytes){p + WAL_HEADER_SIZE, name_size};
    record.tag = (struct bytes){p + WAL_HEADER_SIZE + name_size, tag_size};
    record.ids_offset = place->offset + WAL_HEADER_SIZE + name_size + tag_size;
    record.data_offset = record.ids_offset + ids_size;
    *ret_record = record;
    return ERR_OK;
}

static int is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

struct bytes wal_tag_trim(struct bytes tag)
{
    while (tag.size > 0 && is_blank(tag.data[0])) {
        tag.data++;
        tag.size--;
    }
    while (tag.size > 0 && is_blank(tag.data[tag.size - 1]))
        tag.size--;
    return tag;
}
