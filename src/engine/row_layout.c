/* row_layout.c: see row_layout.h. */
#include "engine/row_layout.h"

size_t row_layout_vector_width(enum field_type type, size_t dim)
{
    return type == FIELD_BINARY_VECTOR ? dim / 8 : dim * sizeof(float);
}

static void add_extra(struct row_layout *layout, const struct schema *schema, size_t index)
{
    const struct field *field = &schema->fields[index];
    struct extra_layout *extra = &layout->extras[layout->extra_count];
    *extra = (struct extra_layout){.field = index,
                                   .field_id = field->id,
                                   .type = field->type,
                                   .element = field->element,
                                   .width = field_type_width(field->type, field->dim),
                                   .is_nullable = field->is_nullable};
    if (field_type_is_vector(field->type)) {
        extra->width = row_layout_vector_width(field->type, field->dim);
        if (field->type != FIELD_BINARY_VECTOR)
            extra->type = FIELD_FLOAT_VECTOR;
    }
    layout->homes[index] = HOME_EXTRA;
    layout->extra_of[index] = layout->extra_count++;
}

void row_layout_init(struct row_layout *layout, const struct schema *schema)
{
    *layout = (struct row_layout){.field_count = schema->field_count,
                                  .vector = ROW_LAYOUT_NONE,
                                  .key_extra = ROW_LAYOUT_NONE};
    for (size_t k = 0; k < schema->field_count; k++) {
        const struct field *field = &schema->fields[k];
        if (k == schema->primary && field->type == FIELD_INT64) {
            layout->homes[k] = HOME_IDS;
        } else if (field_type_is_vector(field->type) && layout->vector == ROW_LAYOUT_NONE) {
            layout->homes[k] = HOME_VECTOR;
            layout->vector = k;
            layout->vector_width = row_layout_vector_width(field->type, field->dim);
        } else {
            if (k == schema->primary)
                layout->key_extra = layout->extra_count;
            add_extra(layout, schema, k);
        }
    }
}

bool row_layout_is_equal(const struct row_layout *a, const struct row_layout *b)
{
    bool is_equal = a->vector_width == b->vector_width && a->key_extra == b->key_extra &&
                    a->extra_count == b->extra_count;
    for (size_t k = 0; is_equal && k < a->extra_count; k++) {
        const struct extra_layout *left = &a->extras[k];
        const struct extra_layout *right = &b->extras[k];
        is_equal = left->field_id == right->field_id && left->type == right->type &&
                   left->element == right->element && left->width == right->width &&
                   left->is_nullable == right->is_nullable;
    }
    return is_equal;
}
