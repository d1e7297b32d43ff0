/* tls.c: see tls.h. */
#include "base/tls.h"

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"

#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* What was read from the files at one time; sessions hold a reference. */
struct credentials {
    atomic_size_t references;
    gnutls_certificate_credentials_t certificates;
};

struct tls_identity {
    char *cert;
    char *key;
    char *client_ca;
    gnutls_priority_t priorities;
    pthread_mutex_t lock;
    /* guarded by lock */
    struct credentials *credentials;
};

struct tls_session {
    gnutls_session_t gnutls;
    struct credentials *credentials;
    bool is_sending; /* a record is half sent: GnuTLS has its bytes */
};

static void unref(struct credentials *credentials)
{
    if (credentials == NULL || atomic_fetch_sub(&credentials->references, 1) > 1)
        return;
    if (credentials->certificates != NULL)
        gnutls_certificate_free_credentials(credentials->certificates);
    mem_free(credentials);
}

static enum err_code load_own(const struct tls_identity *identity, struct credentials *credentials,
                              struct err *err)
{
    const int end = gnutls_certificate_set_x509_key_file(credentials->certificates, identity->cert,
                                                         identity->key, GNUTLS_X509_FMT_PEM);
    if (end < 0)
        return err_set(err, ERR_CONFIG, "TLS certificate %s with key %s: %s", identity->cert,
                       identity->key, gnutls_strerror(end));
    return ERR_OK;
}

static enum err_code load_client_ca(const struct tls_identity *identity,
                                    struct credentials *credentials, struct err *err)
{
    if (identity->client_ca == NULL)
        return ERR_OK;
    const int count = gnutls_certificate_set_x509_trust_file(
        credentials->certificates, identity->client_ca, GNUTLS_X509_FMT_PEM);
    if (count < 0)
        return err_set(err, ERR_CONFIG, "TLS client CA %s: %s", identity->client_ca,
                       gnutls_strerror(count));
    if (count == 0)
        return err_set(err, ERR_CONFIG, "TLS client CA %s: no certificate in it",
                       identity->client_ca);
    return ERR_OK;
}

static enum err_code load(const struct tls_identity *identity, struct credentials **ret_credentials,
                          struct err *err)
{
    struct credentials *credentials = mem_zalloc(1, sizeof *credentials);
    if (credentials == NULL)
        return err_nomem(err, "TLS");
    atomic_init(&credentials->references, 1);
    enum err_code code = ERR_OK;
    if (gnutls_certificate_allocate_credentials(&credentials->certificates) != GNUTLS_E_SUCCESS)
        code = err_nomem(err, "TLS");
    if (code == ERR_OK)
        code = load_own(identity, credentials, err);
    if (code == ERR_OK)
        code = load_client_ca(identity, credentials, err);
    if (code != ERR_OK) {
        unref(credentials);
        return code;
    }
    *ret_credentials = credentials;
    return ERR_OK;
}

enum err_code tls_identity_open(const struct tls_files *files, struct tls_identity **ret_identity,
                                struct err *err)
{
    struct tls_identity *identity = mem_zalloc(1, sizeof *identity);
    if (identity == NULL)
        return err_nomem(err, "TLS");
    (void)pthread_mutex_init(&identity->lock, NULL);
    identity->cert = mem_strdup(files->cert);
    identity->key = mem_strdup(files->key);
    identity->client_ca = files->client_ca != NULL ? mem_strdup(files->client_ca) : NULL;
    enum err_code code = ERR_OK;
    if (identity->cert == NULL || identity->key == NULL ||
        (files->client_ca != NULL && identity->client_ca == NULL) ||
        gnutls_priority_init(&identity->priorities, PRIORITIES, NULL) != GNUTLS_E_SUCCESS)
        code = err_nomem(err, "TLS");
    if (code == ERR_OK)
        code = load(identity, &identity->credentials, err);
    if (code != ERR_OK) {
        tls_identity_close(identity);
        return code;
    }
    *ret_identity = identity;
    return ERR_OK;
}

enum err_code tls_identity_reload(struct tls_identity *identity, struct err *err)
{
    struct credentials *fresh = NULL;
    const enum err_code code = load(identity, &fresh, err);
    if (code != ERR_OK)
        return code;
    (void)pthread_mutex_lock(&identity->lock);
    struct credentials *old = identity->credentials;
    identity->credentials = fresh;
    (void)pthread_mutex_unlock(&identity->lock);
    unref(old);
    return ERR_OK;
}

void tls_identity_close(struct tls_identity *identity)
{
    if (identity == NULL)
        return;
    unref(identity->credentials);
    if (identity->priorities != NULL)
        gnutls_priority_deinit(identity->priorities);
    (void)pthread_mutex_destroy(&identity->lock);
    mem_free(identity->client_ca);
    mem_free(identity->key);
    mem_free(identity->cert);
    mem_free(identity);
}

static bool configure(struct tls_session *session, const struct tls_identity *identity, int fd)
{
    static unsigned char http1[] = "http/1.1";
    static unsigned char h2[] = "h2";
    static const gnutls_datum_t protocols[] = {{http1, sizeof http1 - 1}, {h2, sizeof h2 - 1}};
    if (gnutls_priority_set(session->gnutls, identity->priorities) != GNUTLS_E_SUCCESS ||
        gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE,
                               session->credentials->certificates) != GNUTLS_E_SUCCESS ||
        gnutls_alpn_set_protocols(session->gnutls, protocols, 2, GNUTLS_ALPN_SERVER_PRECEDENCE) !=
            GNUTLS_E_SUCCESS)
        return false;
    if (identity->client_ca != NULL) {
        gnutls_certificate_server_set_request(session->gnutls, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_cert(session->gnutls, NULL, 0);
    }
    gnutls_handshake_set_timeout(session->gnutls, GNUTLS_INDEFINITE_TIMEOUT);
    gnutls_transport_set_int(session->gnutls, fd);
    return true;
}

struct tls_session *tls_session_new(struct tls_identity *identity, int fd)
{
    struct tls_session *session = mem_zalloc(1, sizeof *session);
    if (session == NULL)
        return NULL;
    (void)pthread_mutex_lock(&identity->lock);
    session->credentials = identity->credentials;
    atomic_fetch_add(&session->credentials->references, 1);
    (void)pthread_mutex_unlock(&identity->lock);
    if (gnutls_init(&session->gnutls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) !=
            GNUTLS_E_SUCCESS ||
        !configure(session, identity, fd)) {
        tls_session_free(session);
        return NULL;
    }
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (session == NULL)
        return;
    if (session->gnutls != NULL)
        gnutls_deinit(session->gnutls);
    unref(session->credentials);
    mem_free(session);
}

static enum tls_result wanted(const struct tls_session *session)
{
    return gnutls_record_get_direction(session->gnutls) == 0 ? TLS_WANT_READ : TLS_WANT_WRITE;
}

enum tls_result tls_handshake(struct tls_session *session, struct err *err)
{
    for (;;) {
        const int end = gnutls_handshake(session->gnutls);
        if (end == GNUTLS_E_SUCCESS)
            return TLS_DONE;
        if (end == GNUTLS_E_AGAIN)
            return wanted(session);
        if (end == GNUTLS_E_INTERRUPTED || !gnutls_error_is_fatal(end))
            continue;
        (void)gnutls_alert_send_appropriate(session->gnutls, end);
        (void)err_set(err, ERR_IO, "TLS handshake: %s", gnutls_strerror(end));
        return TLS_FAILED;
    }
}

enum tls_result tls_receive(struct tls_session *session, void *buffer, size_t size,
                            size_t *ret_size)
{
    for (;;) {
        const ssize_t end = gnutls_record_recv(session->gnutls, buffer, size);
        if (end > 0) {
            *ret_size = (size_t)end;
            return TLS_DONE;
        }
        if (end == 0 || end == GNUTLS_E_PREMATURE_TERMINATION)
            return TLS_CLOSED;
        if (end == GNUTLS_E_AGAIN)
            return wanted(session);
        /* A client that wants to renegotiate is told no by going on. */
        if (end != GNUTLS_E_INTERRUPTED && gnutls_error_is_fatal((int)end))
            return TLS_FAILED;
    }
}

enum tls_result tls_send(struct tls_session *session, const void *data, size_t size,
                         size_t *ret_size)
{
    for (;;) {
        const ssize_t end = session->is_sending ? gnutls_record_send(session->gnutls, NULL, 0)
                                                : gnutls_record_send(session->gnutls, data, size);
        session->is_sending = end == GNUTLS_E_AGAIN || end == GNUTLS_E_INTERRUPTED;
        if (end >= 0) {
            *ret_size = (size_t)end;
            return TLS_DONE;
        }
        if (end == GNUTLS_E_AGAIN)
            return wanted(session);
        if (end != GNUTLS_E_INTERRUPTED)
            return TLS_FAILED;
    }
}

bool tls_has_pending(const struct tls_session *session)
{
    return gnutls_record_check_pending(session->gnutls) > 0;
}

void tls_goodbye(struct tls_session *session)
{
    (void)gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
}
