# shellcheck shell=bash
# Starts and stops the servers that tests talk to. Sourced after environment.sh.
#
# A server is a word in SERVERS and two functions: install_WORD, and start_WORD, which exports the address that tests
# read. Tests that need a server skip themselves, saying so, where its variable is not set.

# Those that tests use now.
# shellcheck disable=SC2034  # read by the scripts that source this
readonly SERVERS=(kinesalite postgres ministack moto nats sftp)

SERVER_PIDS=()

# start_servers SERVER...: returns when all answer. They are stopped when this script ends, however it ends.
start_servers() {
  trap stop_servers EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  local server
  for server in "$@"; do "start_$server"; done
}

stop_servers() {
  local pid
  # At once: it would wait for its clients, and write down what is thrown away.
  [[ -z ${POSTGRES_PID:-} ]] || kill -QUIT "$POSTGRES_PID" 2>/dev/null || true
  for pid in "${SERVER_PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${SERVER_PIDS[@]}"; do
    for _ in {1..50}; do
      kill -0 "$pid" 2>/dev/null || continue 2
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
  SERVER_PIDS=()
  [[ -z ${POSTGRES_DATA:-} ]] || rm -rf "$POSTGRES_DATA"
}

# The browser, the packages for it and the judge of templates are no servers: tests start what they need of them.
export_test_tools() {
  PEGBOARD_TEST_CHROMIUM=$(command -v chromium)
  PEGBOARD_TEST_CHROMEDRIVER=$(command -v chromedriver)
  export PEGBOARD_TEST_CHROMIUM PEGBOARD_TEST_CHROMEDRIVER
  export PEGBOARD_TEST_NODE_MODULES="$TEST_ENV/npm/node_modules"
  export PEGBOARD_TEST_CFN_LINT="$TEST_ENV/python/moto/bin/cfn-lint"
  local judges="$TEST_ENV/python/judges/bin" prism="$TEST_ENV/prism/node_modules/@stoplight/prism-cli/dist/index.js"
  [[ ! -x $judges/st ]] || export PEGBOARD_TEST_JUDGES="$judges"
  [[ ! -f $prism ]] || export PEGBOARD_TEST_PRISM="$prism"
}

# No test may reach a real account by the credentials or the configuration of whoever runs it.
hide_aws_account() {
  unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
}

# kinesalite: Kinesis Data Streams, with the real behaviour of split and merged shards.
install_kinesalite() { :; } # one of the npm packages

start_kinesalite() {
  local port
  port=$(free_port)
  start_server kinesalite "$port" node "$TEST_ENV/npm/node_modules/kinesalite/cli.js" --port "$port" \
    --createStreamMs 50 --updateStreamMs 50 --deleteStreamMs 50 --shardLimit 100
  export PEGBOARD_TEST_KINESALITE="http://127.0.0.1:$port"
}

# ministack: Kinesis Data Streams with enhanced fan-out and UpdateShardCount. What it split or merged is no longer listed.
install_ministack() { once ministack "$PINS/ministack.txt" install_wheels ministack ministack.txt --require-hashes; }

start_ministack() {
  local port
  port=$(free_port)
  BIND_HOST=127.0.0.1 GATEWAY_PORT=$port start_server ministack "$port" "$TEST_ENV/python/ministack/bin/ministack"
  export PEGBOARD_TEST_MINISTACK="http://127.0.0.1:$port"
}

# moto: S3, SQS, DynamoDB, Secrets Manager.
install_moto() { once moto "$PINS/moto.txt" install_wheels moto moto.txt; }

start_moto() {
  local port
  port=$(free_port)
  start_server moto "$port" "$TEST_ENV/python/moto/bin/moto_server" --host 127.0.0.1 --port "$port"
  export PEGBOARD_TEST_MOTO="http://127.0.0.1:$port"
}

# NATS with JetStream, for those who come through TLS and have a password.
install_nats() { once nats "$PINS/nats.txt" install_wheels nats nats.txt --require-hashes; }

start_nats() {
  local port data="$TEST_ENV/nats"
  port=$(free_port)
  rm -rf "$data"
  mkdir -p "$data"
  test_certificate "$data"
  # By default who greets it has two seconds for that, which are over soon where tests compile besides.
  cat >"$data/nats.conf" <<-END
	authorization { user: pegboard, password: pegboard-test, timeout: 8 }
	tls { cert_file: "$data/certificate.pem", key_file: "$data/key.pem", timeout: 8 }
	END
  start_server nats "$port" "$TEST_ENV/python/nats/bin/nats-server" --addr 127.0.0.1 --port "$port" --jetstream \
    --store_dir "$data/streams" --config "$data/nats.conf"
  export PEGBOARD_TEST_NATS="tls://127.0.0.1:$port" PEGBOARD_TEST_NATS_CA="$data/certificate.pem"
}

# SFTP by the server of OpenSSH. Whoever runs the tests may write the folder `files`, by one of two keys.
install_sftp() { :; } # a Debian package

start_sftp() {
  local port data="$TEST_ENV/sftp" key
  port=$(free_port)
  rm -rf "$data"
  mkdir -p "$data/files"
  for key in host client stranger; do ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$data/$key"; done
  cp "$data/client.pub" "$data/authorized_keys"
  printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d ' ' -f 1,2 "$data/host.pub")" >"$data/known_hosts"
  printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d ' ' -f 1,2 "$data/stranger.pub")" >"$data/other_hosts"
  cat >"$data/config" <<END
ListenAddress 127.0.0.1:$port
HostKey "$data/host"
AuthorizedKeysFile "$data/authorized_keys"
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp internal-sftp
END
  ((EUID != 0)) || mkdir -p -m 0755 /run/sshd # where its unprivileged half lives
  start_server sftp "$port" "$(sshd_program)" -D -e -f "$data/config"
  export PEGBOARD_TEST_SFTP="$(id -un)@127.0.0.1:$port" PEGBOARD_TEST_SFTP_DATA="$data"
}

# It is on nobody's PATH but root's.
sshd_program() { command -v sshd || { [[ -x /usr/sbin/sshd ]] && printf '/usr/sbin/sshd\n'; }; }

# PostgreSQL, as Debian has it: with fsync, and with TLS for those who ask. It refuses to run as root.
install_postgres() { :; } # a Debian package

start_postgres() {
  local port data="$TEST_ENV/postgres"
  port=$(free_port)
  PEGBOARD_TEST_POSTGRES_BIN=$(postgres_bin)
  rm -rf "$data"
  mkdir -p "$data/tls"
  test_certificate "$data/tls"
  # Tests read the certificate; the folder above may be closed to the server's user, so the cluster is elsewhere.
  POSTGRES_DATA=$(mktemp -d /tmp/pegboard-postgres-XXXXXX)
  cp "$data/tls"/*.pem "$POSTGRES_DATA/"
  chmod 600 "$POSTGRES_DATA/key.pem"
  ((EUID != 0)) || chown -R postgres:postgres "$POSTGRES_DATA"
  logged postgres-initdb "${AS_POSTGRES[@]}" "$PEGBOARD_TEST_POSTGRES_BIN/initdb" -D "$POSTGRES_DATA/data" -U postgres \
    -A trust -E UTF8 --locale=C --no-sync || die "initdb failed"
  start_server postgres "$port" "${AS_POSTGRES[@]}" --pdeathsig INT "$PEGBOARD_TEST_POSTGRES_BIN/postgres" \
    -D "$POSTGRES_DATA/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c max_connections=400 -c ssl=on -c ssl_cert_file="$POSTGRES_DATA/certificate.pem" \
    -c ssl_key_file="$POSTGRES_DATA/key.pem"
  POSTGRES_PID=${SERVER_PIDS[-1]}
  for _ in {1..300}; do # it listens before it lets anybody in
    if "$PEGBOARD_TEST_POSTGRES_BIN/pg_isready" --quiet --host 127.0.0.1 --port "$port"; then break; fi
    sleep 0.1
  done
  "$PEGBOARD_TEST_POSTGRES_BIN/createdb" -h 127.0.0.1 -p "$port" -U postgres pegboard
  export PEGBOARD_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/pegboard"
  export PEGBOARD_TEST_POSTGRES_CA="$data/tls/certificate.pem" PEGBOARD_TEST_POSTGRES_BIN
}

# The user that the server runs as.
AS_POSTGRES=(setpriv)
((EUID != 0)) || AS_POSTGRES+=(--reuid postgres --regid postgres --init-groups)

# The folder with the newest PostgreSQL server of this machine.
postgres_bin() {
  local found
  found=$(find /usr/lib/postgresql/*/bin -maxdepth 1 -name postgres 2>/dev/null | sort --version-sort | tail -n 1)
  [[ -n $found ]] || found=$(command -v postgres) || return
  dirname "$found"
}

# test_certificate FOLDER: a certificate of this machine and its key.
test_certificate() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -addext basicConstraints=critical,CA:FALSE -keyout "$1/key.pem" -out "$1/certificate.pem" 2>/dev/null
}

# start_server NAME PORT COMMAND...: the command in the background, until it listens on the port.
start_server() {
  local name=$1 port=$2 log="$TEST_ENV/logs/$1.log" pid
  shift 2
  # The kernel ends the server if this script is killed and its traps cannot run.
  setpriv --pdeathsig TERM "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  SERVER_PIDS+=("$pid")
  for _ in {1..300}; do
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    if listening "$port"; then
      note "$name: port $port, pid $pid"
      return
    fi
    sleep 0.1
  done
  tail -n 40 "$log" >&2
  die "$name did not start listening on port $port within 30 s"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
