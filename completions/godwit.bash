# Made from the command tables of godwit; change src/cli and run scripts/update-manuals.

_godwit_words()
{
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

_godwit_files()
{
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

_godwit_folders()
{
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$word")
}

_godwit()
{
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local commands="inspect migrate verify jobs export package collections describe count get query search explain index serve import unload drop version help"
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _godwit_words "$commands --help --version"
        return
    fi
    case ${COMP_WORDS[1]} in
    inspect)
        case $previous in
        --to) _godwit_folders; return ;;
        --progress) _godwit_words "auto plain json none"; return ;;
        --config) _godwit_files; return ;;
        --meta) return ;;
        --meta-password-file) _godwit_files; return ;;
        --wal) _godwit_folders; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--json --to --quick --progress --config --meta --meta-password-file --wal --no-wal --allow-running --include-unacknowledged --rescue-skipped --help --no-color"
        else
            _godwit_files
        fi
        ;;
    migrate)
        case $previous in
        --to) _godwit_folders; return ;;
        --collections) return ;;
        --rename) return ;;
        --duplicates) _godwit_words "keep first fail"; return ;;
        --if-exists) _godwit_words "fail append replace"; return ;;
        --jobs|-j) return ;;
        --limit-rate) return ;;
        --report) _godwit_files; return ;;
        --progress) _godwit_words "auto plain json none"; return ;;
        --config) _godwit_files; return ;;
        --meta) return ;;
        --meta-password-file) _godwit_files; return ;;
        --wal) _godwit_folders; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--to --collections --rename --duplicates --skip-damaged --if-exists --link --dry-run --restart --wait-index --no-index --jobs --limit-rate --report --progress --json --config --meta --meta-password-file --wal --no-wal --allow-running --include-unacknowledged --rescue-skipped --help --no-color"
        else
            _godwit_files
        fi
        ;;
    verify)
        case $previous in
        --against) _godwit_folders; return ;;
        --collections) return ;;
        --rename) return ;;
        --duplicates) _godwit_words "keep first fail"; return ;;
        --jobs|-j) return ;;
        --report) _godwit_files; return ;;
        --progress) _godwit_words "auto plain json none"; return ;;
        --config) _godwit_files; return ;;
        --meta) return ;;
        --meta-password-file) _godwit_files; return ;;
        --wal) _godwit_folders; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--against --collections --rename --duplicates --skip-damaged --jobs --report --progress --json --config --meta --meta-password-file --wal --no-wal --allow-running --include-unacknowledged --rescue-skipped --help --no-color"
        else
            _godwit_files
        fi
        ;;
    jobs)
        case $previous in
        --jobs|-j) return ;;
        --limit-rate) return ;;
        --report) _godwit_files; return ;;
        --progress) _godwit_words "auto plain json none"; return ;;
        --meta) return ;;
        --meta-password-file) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--wait-index --no-index --jobs --limit-rate --report --progress --json --meta --meta-password-file --help --no-color"
        else
            _godwit_files
        fi
        ;;
    export)
        case $previous in
        --sqlite|-s) _godwit_files; return ;;
        --mysql|-m) return ;;
        --output|-o) _godwit_folders; return ;;
        --config) _godwit_files; return ;;
        --meta) return ;;
        --meta-password-file) _godwit_files; return ;;
        --wal) _godwit_folders; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--sqlite --mysql --output --config --meta --meta-password-file --wal --no-wal --allow-running --include-unacknowledged --rescue-skipped --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    package)
        case $previous in
        --output|-o) _godwit_folders; return ;;
        --limit-rate) return ;;
        --progress) _godwit_words "auto plain json none"; return ;;
        --config) _godwit_files; return ;;
        --meta) return ;;
        --meta-password-file) _godwit_files; return ;;
        --wal) _godwit_folders; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--output --skip-damaged --limit-rate --progress --json --config --meta --meta-password-file --wal --no-wal --allow-running --include-unacknowledged --rescue-skipped --help --no-color"
        else
            _godwit_files
        fi
        ;;
    collections)
        case $previous in
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    describe)
        case $previous in
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    count)
        case $previous in
        --partition|-p) return ;;
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--partition --token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    get)
        case $previous in
        --partition|-p) return ;;
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--partition --no-vectors --token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    query)
        case $previous in
        --ids) return ;;
        --ids-file) _godwit_files; return ;;
        --filter) return ;;
        --limit) return ;;
        --offset) return ;;
        --partition|-p) return ;;
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--ids --ids-file --filter --limit --offset --partition --no-vectors --token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    search)
        case $previous in
        --vector) return ;;
        --like) return ;;
        --queries) _godwit_files; return ;;
        --k|-k) return ;;
        --partition|-p) return ;;
        --only-ids) _godwit_files; return ;;
        --level) return ;;
        --recall) return ;;
        --radius) return ;;
        --range-filter) return ;;
        --threads|-t) return ;;
        --out|-o) _godwit_files; return ;;
        --out-scores) _godwit_files; return ;;
        --labels) _godwit_files; return ;;
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--vector --like --queries --k --partition --only-ids --level --recall --radius --range-filter --threads --out --out-scores --labels --stats --token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    explain)
        case $previous in
        --vector) return ;;
        --like) return ;;
        --k|-k) return ;;
        --partition|-p) return ;;
        --only-ids) _godwit_files; return ;;
        --level) return ;;
        --recall) return ;;
        --radius) return ;;
        --range-filter) return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--vector --like --k --partition --only-ids --level --recall --radius --range-filter --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    index)
        case $previous in
        --threads|-t) return ;;
        --memory) return ;;
        --progress) _godwit_words "auto plain json none"; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--build --rebuild --drop --background --no-wait --threads --memory --progress --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    serve)
        case $previous in
        --listen|-l) return ;;
        --root-password-file) _godwit_files; return ;;
        --api-keys) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        --tls-client-ca) _godwit_files; return ;;
        --durability) _godwit_words "strict relaxed"; return ;;
        --vector-field) return ;;
        --import-dir) _godwit_folders; return ;;
        --drain) return ;;
        --log) _godwit_files; return ;;
        --slow) return ;;
        --threads) return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--listen --auth --root-password-file --api-keys --tls-cert --tls-key --tls-client-ca --durability --vector-field --import-dir --drain --log --slow --threads --help --no-color"
        else
            _godwit_files
        fi
        ;;
    import)
        case $previous in
        --vectors) _godwit_files; return ;;
        --ids) _godwit_files; return ;;
        --partition|-p) return ;;
        --metric) _godwit_words "L2 IP COSINE HAMMING JACCARD TANIMOTO SUBSTRUCTURE SUPERSTRUCTURE"; return ;;
        --progress) _godwit_words "auto plain json none"; return ;;
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--vectors --ids --partition --metric --wait-index --no-index --progress --token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    unload)
        case $previous in
        --output|-o) _godwit_folders; return ;;
        --partition|-p) return ;;
        --progress) _godwit_words "auto plain json none"; return ;;
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--output --partition --progress --token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    drop)
        case $previous in
        --partition|-p) return ;;
        --token-file) _godwit_files; return ;;
        --tls-ca) _godwit_files; return ;;
        --tls-cert) _godwit_files; return ;;
        --tls-key) _godwit_files; return ;;
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--partition --yes --token-file --tls-ca --tls-cert --tls-key --tls-insecure --json --help --no-color"
        else
            _godwit_files
        fi
        ;;
    version)
        case $previous in
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--json --help --no-color"
        fi
        ;;
    help)
        case $previous in
        esac
        if [[ $word == -* ]]; then
            _godwit_words "--help --no-color"
        else
            _godwit_words "$commands"
        fi
        ;;
    esac
}

complete -F _godwit godwit
