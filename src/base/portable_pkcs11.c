/* portable_pkcs11.c: what GnuTLS asks of p11-kit, answered with "there is none", for the static
 * program.
 *
 * p11-kit finds modules (smart cards, key stores) that are shared objects, which a static program
 * cannot load, and has no static library. GnuTLS calls it only for names that begin with "pkcs11:",
 * which then fail. The names, not the types, are what the linker needs; pointers come back NULL,
 * numbers as an error. */
#include <stddef.h>

typedef int portable_pkcs11_is_only_for_static_programs;

#ifdef GODWIT_PORTABLE
#define NOTHING(name)                                                                              \
    void *name(void);                                                                              \
    void *name(void)                                                                               \
    {                                                                                              \
        return NULL;                                                                               \
    }
#define FAILURE(name)                                                                              \
    int name(void);                                                                                \
    int name(void)                                                                                 \
    {                                                                                              \
        return -1;                                                                                 \
    }
#define NO_EFFECT(name)                                                                            \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
    }

NOTHING(p11_kit_config_option)
NOTHING(p11_kit_message)
NOTHING(p11_kit_module_get_name)
NOTHING(p11_kit_module_load)
NOTHING(p11_kit_modules_load)
NOTHING(p11_kit_pin_file_callback)
NOTHING(p11_kit_pin_get_value)
NOTHING(p11_kit_pin_new_for_string)
NOTHING(p11_kit_pin_request)
NOTHING(p11_kit_space_strdup)
NOTHING(p11_kit_strerror)
NOTHING(p11_kit_uri_get_attribute)
NOTHING(p11_kit_uri_get_attributes)
NOTHING(p11_kit_uri_get_module_info)
NOTHING(p11_kit_uri_get_pin_source)
NOTHING(p11_kit_uri_get_pin_value)
NOTHING(p11_kit_uri_get_token_info)
NOTHING(p11_kit_uri_new)
NOTHING(p11_kit_pin_get_length)
NOTHING(p11_kit_space_strlen)
NOTHING(p11_kit_module_get_flags)
NOTHING(p11_kit_uri_match_module_info)
NOTHING(p11_kit_uri_match_token_info)
FAILURE(p11_kit_module_finalize)
FAILURE(p11_kit_pin_register_callback)
FAILURE(p11_kit_uri_format)
FAILURE(p11_kit_uri_parse)
FAILURE(p11_kit_uri_set_attribute)
NO_EFFECT(p11_kit_module_release)
NO_EFFECT(p11_kit_pin_unref)
NO_EFFECT(p11_kit_pin_unregister_callback)
NO_EFFECT(p11_kit_uri_free)
#endif
