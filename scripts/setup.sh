# shellcheck shell=bash
# Sets a machine up for MnemoLite: what .NET needs, PostgreSQL with pgvector, and on demand Redis, and browsers and Prometheus for the tests.
# Only what is missing is installed; no database cluster is made or touched, no system service started. As root it also allows large pages,
# which PostgreSQL is faster with. Sourced by ../mnemolite.

pgvector_least=0.8.0  # the first with iterative index scans
pgvector_sound=0.8.4  # the first without the faults that `report` tells of
pgvector_suite=trixie # the Debian release whose source is built where the machine's own release has no pgvector
postgres_least=14
dotnet_help='https://learn.microsoft.com/dotnet/core/install/linux'
large_pages=/proc/sys/vm/nr_overcommit_hugepages
large_pages_file=/etc/sysctl.d/60-mnemolite.conf
memory=/proc/meminfo

# Looks, installs what is missing, and looks again. NEEDS: redis, browser, prometheus, details (tell what is there, too).
# $cluster_version is the version of the data that is there already, if any.
set_up() { # NEED…
    needs=" $* "
    begin
    find_missing
    local installed=false
    if ((${#missing[@]} > 0)); then
        command -v apt-get >/dev/null && ((EUID == 0)) || tell_missing
        install_missing
        installed=true
        begin
        find_missing
        ((${#missing[@]} == 0)) || fail "The set-up is not complete; still missing: $(list "${missing[@]}")."
    fi
    check_dotnet
    allow_large_pages
    report "$installed"
}

wants() { [[ $needs == *" $1 "* ]]; }

list() {
    local text
    text=$(printf '%s, ' "$@")
    echo "${text%, }"
}

# --- what is there ---

# Fills `missing` with what is missing, in words.
find_missing() {
    missing=()
    [[ -n $(libraries icuuc) ]] || missing+=('the ICU library')
    [[ -n $(libraries ssl) ]] || missing+=('the OpenSSL library')
    certificates || missing+=('the CA certificates')
    if [[ $UseAspire == false ]]; then
        find_postgres
        [[ -n $postgres ]] || missing+=("PostgreSQL ${cluster_version:-$postgres_least or newer}")
        [[ -n $pgvector ]] || missing+=("pgvector $pgvector_least or newer${postgres:+ for PostgreSQL $postgres}")
        ! wants redis || command -v redis-server >/dev/null || missing+=(Redis)
    fi
    ! wants browser || has_chromium || missing+=(Chromium)
    ! wants browser || command -v firefox-esr firefox >/dev/null || missing+=(Firefox)
    ! wants browser || command -v npm >/dev/null || missing+=(npm)
    ! wants prometheus || { command -v prometheus && command -v promtool; } >/dev/null || missing+=(Prometheus)
}

# Without its windows, where apt has it so: that takes less than half as long.
has_chromium() {
    command -v chromium-headless-shell >/dev/null ||
        { [[ -z $(candidate chromium-headless-shell) ]] && command -v chromium chromium-browser google-chrome >/dev/null; }
}

libraries() { # NAME
    compgen -G "/usr/lib/*/lib$1.so.*" || compgen -G "/usr/lib*/lib$1.so.*" || compgen -G "/lib/*/lib$1.so.*" || true
}

certificates() {
    local file
    for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
        [[ ! -s $file ]] || return 0
    done
    return 1
}

# The newest PostgreSQL with a pgvector that is new enough, else the newest; only of the data's version where there is data.
find_postgres() {
    postgres='' pgvector=''
    local version found
    for version in $(find /usr/lib/postgresql -maxdepth 1 -name "${cluster_version:-[0-9]*}" -printf '%f\n' 2>/dev/null | sort -rn); do
        [[ -x /usr/lib/postgresql/$version/bin/postgres ]] && ((version >= postgres_least)) || continue
        found=$(pgvector_of "$version")
        if [[ -n $found ]] && ! older "$found" "$pgvector_least"; then
            postgres=$version pgvector=$found
            return
        fi
        postgres=${postgres:-$version}
    done
}

pgvector_of() { # POSTGRES-VERSION
    sed -nE "s/^default_version *= *'(.*)'/\1/p" "/usr/share/postgresql/$1/extension/vector.control" 2>/dev/null || true
}

older() { # VERSION OTHER
    [[ $1 != "$2" && $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}

# global.json says which SDK is wanted, and `dotnet` itself whether that is there.
check_dotnet() {
    local place there
    for place in "${DOTNET_ROOT:-}" ~/.dotnet /usr/share/dotnet /usr/lib/dotnet; do
        command -v dotnet >/dev/null || [[ ! -x $place/dotnet ]] || PATH=$PATH:$place
    done
    if ! command -v dotnet >/dev/null; then
        fail 'The .NET SDK 10 is missing.' "Install it (the SDK, version 10.0) as Microsoft tells for your system: $dotnet_help"
    elif ! dotnet --version >/dev/null 2>&1; then
        there=$(dotnet --list-sdks 2>/dev/null | cut -d ' ' -f 1 | paste -sd ' ') || true
        fail "The .NET SDK 10 is missing; what is there: ${there:-no SDK}." \
            "Install it (version 10.0) as Microsoft tells for your system: $dotnet_help"
    fi
}

# Says what the set-up came to: nothing where all was well already, unless details are wanted.
report() { # INSTALLED
    if [[ $UseAspire == true ]]; then
        ! wants details || ok 'Nothing to set up: containers bring PostgreSQL with pgvector'
        return 0
    fi
    ! wants details || ok "Everything is in place: PostgreSQL $postgres with pgvector $pgvector"
    older "$pgvector" "$pgvector_sound" || return 0
    if [[ $1 == false ]] && ! wants details; then
        note "pgvector $pgvector has faults that $pgvector_sound mends; ./mnemolite setup tells which."
        return 0
    fi
    note "pgvector $pgvector has faults that $pgvector_sound mends:"
    echo '      before 0.8.2 a parallel build of an HNSW index can overflow a buffer: MnemoLite builds without parallel workers;'
    echo '      before 0.8.4 vacuum can damage an HNSW index: REINDEX INDEX CONCURRENTLY mends it.'
    local offered
    offered=$(candidate "postgresql-$postgres-pgvector")
    if [[ -n $offered ]] && older "$pgvector" "${offered%%-*}"; then
        echo "    Your system offers ${offered%%-*}: apt-get install postgresql-$postgres-pgvector"
    else
        echo '    Take a newer one as soon as your system has it.'
    fi
}

# --- what to install ---

# Without the means to install, says what is missing and what an administrator would do.
tell_missing() {
    command -v dotnet >/dev/null || missing+=("the .NET SDK 10: $dotnet_help")
    {
        echo 'MnemoLite needs what this machine does not have yet:'
        printf '  - %s\n' "${missing[@]}"
    } >&2
    command -v apt-get >/dev/null ||
        fail 'This script installs with apt-get, which this system does not have.' "Install the above by your system's own means, then run this again."
    choose_packages
    local by_hand='Or by hand:'
    [[ $build_pgvector == false ]] || by_hand='Or by hand, and then pgvector from its source (it has no package here):'
    fail 'Only root can install that.' 'An administrator would run:' "    sudo '$root/mnemolite' $command" "$by_hand" \
        "    sudo apt-get update && sudo apt-get install --no-install-recommends ${packages[*]}"
}

# Fills `packages` with what apt has for what is missing; says in `build_pgvector` whether its source has to be built.
choose_packages() {
    packages=() build_pgvector=false
    local thing
    for thing in "${missing[@]}"; do
        case $thing in
            *ICU*) packages+=("$(newest_package '^libicu[0-9]+(t64)?$' libicu-dev)") ;;
            *OpenSSL*) packages+=("$(newest_package '^libssl3(t64)?$' libssl3)") ;;
            *certificates) packages+=(ca-certificates) ;;
            PostgreSQL*)
                postgres=${cluster_version:-$(apt-cache depends postgresql 2>/dev/null | sed -nE 's/^ *Depends: postgresql-([0-9]+)$/\1/p' | head -n 1)}
                packages+=("postgresql${postgres:+-$postgres}")
                ;;
            pgvector*)
                local offered
                offered=$(candidate "postgresql-$postgres-pgvector")
                if [[ -n $offered ]] && ! older "${offered%%-*}" "$pgvector_least"; then
                    packages+=("postgresql-$postgres-pgvector")
                else
                    build_pgvector=true
                    packages+=(gcc make libc6-dev dpkg-dev xz-utils debian-archive-keyring)
                fi
                ;;
            Redis) packages+=(redis-server) ;;
            Chromium)
                local shell
                shell=$(candidate chromium-headless-shell)
                packages+=("chromium${shell:+-headless-shell}" fonts-liberation)
                ;;
            Firefox) packages+=(firefox-esr) ;;
            npm) packages+=(npm) ;;
            Prometheus) packages+=(prometheus) ;;
        esac
    done
}

newest_package() { # PATTERN OTHERWISE
    local name
    name=$(apt-cache pkgnames lib 2>/dev/null | grep -E "$1" | sort -V | tail -n 1) || true
    echo "${name:-$2}"
}

# The version that apt would install; nothing where it has none.
candidate() { # PACKAGE
    LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -nE 's/^ *Candidate: ([^(].*)/\1/p' || true
}

# --- installing ---

install_missing() {
    run 'Fetching the lists of packages' apt update
    choose_packages
    if [[ $build_pgvector == true ]] && ! (. /etc/os-release && [[ $ID == debian ]]); then
        fail "This system has no pgvector $pgvector_least or newer for PostgreSQL $postgres." \
            "PostgreSQL's own package source has it: https://wiki.postgresql.org/wiki/Apt — add that, then run this again."
    fi
    run "Installing $(list "${packages[@]}")" install_packages "${packages[@]}"
    ok "Installed $(list "${packages[@]}")"
    if [[ $build_pgvector == true ]]; then
        run "Building pgvector for PostgreSQL $postgres" build_pgvector "$postgres"
        ok "Built pgvector $(pgvector_of "$postgres") for PostgreSQL $postgres"
    fi
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120 -o APT::Sandbox::User=root "$@"
}

# Installs without making a database cluster or starting a service. Not to be cut short: that would leave dpkg broken.
install_packages() { # PACKAGE…
    trap '' INT TERM HUP
    local no_cluster=/etc/postgresql-common/createcluster.d/mnemolite.conf no_service=/usr/sbin/policy-rc.d
    if [[ ! -e $no_service ]]; then
        printf '%s\n' '#!/bin/sh' '# For as long as MnemoLite installs packages: no service starts.' 'exit 101' >"$no_service"
        chmod 755 "$no_service"
        # shellcheck disable=SC2064
        trap "rm -f '$no_service'" EXIT
    fi
    mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' >"$no_cluster"
    local result=0
    apt install --no-install-recommends "$@" || result=$?
    rm -f "$no_cluster"
    rmdir "${no_cluster%/*}" 2>/dev/null || true
    local service
    for service in redis-server prometheus; do
        [[ " $* " != *" $service "* ]] || ! command -v systemctl >/dev/null || systemctl disable "$service" || true # MnemoLite runs its own
    done
    return "$result"
}

# Lets PostgreSQL take its buffers in large pages, for as long as it runs: the processor then hardly has to look up where they are (docs/performance.md).
# Whoever does not want that has the file say 0; a machine with less than 4 GB is left as it is.
allow_large_pages() {
    [[ $UseAspire == false && -w $large_pages ]] || return 0
    local total size wanted
    total=$(sed -nE 's/^MemTotal: *([0-9]+) kB$/\1/p' "$memory")
    size=$(sed -nE 's/^Hugepagesize: *([0-9]+) kB$/\1/p' "$memory")
    ((${total:-0} >= 4000000 && ${size:-0} > 0)) || return 0
    if [[ ! -e $large_pages_file ]]; then
        mkdir -p -- "$(dirname -- "$large_pages_file")"
        printf '%s\n' '# As many large pages PostgreSQL may take for its buffers while it runs (MnemoLite). 0: none.' \
            "vm.nr_overcommit_hugepages = $((600 * 1024 / size))" >"$large_pages_file" || return 0
    fi
    wanted=$(sed -nE 's/^vm\.nr_overcommit_hugepages *= *([0-9]+)$/\1/p' "$large_pages_file")
    ((${wanted:-0} > $(<"$large_pages"))) || return 0
    echo "$wanted" >"$large_pages" || return 0
    ok "PostgreSQL may take its buffers in large pages ($large_pages_file)"
}

# Builds Debian's source package of pgvector for an installed server. The server's headers are only unpacked, not installed:
# their package could ask for another version of the server than the one that is there.
build_pgvector() { # POSTGRES-VERSION
    local work options mirror version package
    work=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    cd "$work"
    mkdir -p lists/partial headers
    options=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$work/lists"
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)

    # The machine's own mirror, as apt itself reads its sources, whatever their format.
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | sed -n 's/^Debian|//p' | head -n 1)
    [[ -n $mirror ]] || { echo 'E: No Debian mirror is among the sources of apt.' && exit 1; }
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $pgvector_suite main" >sources.list
    apt "${options[@]}" update || {
        echo "E: Debian's $pgvector_suite, whose pgvector is to be built, cannot be read from this mirror. If the above names a missing key:"
        echo 'E: the installed debian-archive-keyring is too old to know it; a newer one (apt-get install debian-archive-keyring) does.'
        exit 1
    }
    apt "${options[@]}" source pgvector

    version=$(dpkg-query -W -f '${Version}' "postgresql-$1" 2>/dev/null) || true
    for package in "postgresql-server-dev-$1" libpq-dev; do
        apt download "$package=$version" || apt download "$package"
    done
    for package in ./*.deb; do dpkg-deb -x "$package" headers; done

    cd pgvector-*/
    export CPATH=$work/headers/usr/include/postgresql/$1/server:$work/headers/usr/include/postgresql
    # OPTFLAGS: for any processor, not only this one. with_llvm: without clang.
    make -s -j "$(nproc)" OPTFLAGS='' with_llvm=no PG_CONFIG="/usr/lib/postgresql/$1/bin/pg_config"
    make -s install with_llvm=no PG_CONFIG="/usr/lib/postgresql/$1/bin/pg_config"
}
