//! The shop's images: Debian's own servers, configured for little.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::debian::Found;
use crate::image::{Image, Rootfs};

/// nginx, which sends every visit on to `web`.
pub(super) const PROXY: Image = Image {
    name: "shop-proxy",
    fill: |root| {
        root.busybox()?;
        root.program("nginx")?;
        for directory in ["var/lib/nginx", "var/log/nginx", "etc/nginx"] {
            root.directory(directory)?;
        }
        root.file("etc/nginx/nginx.conf", NGINX_CONF, 0o644)
    },
    changes: &["EXPOSE 80", "CMD [\"/usr/sbin/nginx\"]"],
};

const NGINX_CONF: &str = "\
daemon off;
user www-data www-data;
worker_processes 1;
error_log stderr;
pid /run/nginx.pid;
events {}
http {
    access_log off;
    server {
        listen 80;
        location = / { proxy_pass http://web:8080/cgi-bin/shop; }
    }
}
";

/// busybox httpd with a page that asks the cache and the database.
pub(super) const WEB: Image = Image {
    name: "shop-web",
    fill: |root| {
        root.busybox()?;
        for client in ["redis-cli", "psql"] {
            let found = root.program(client)?;
            // PostgreSQL's programs are where no PATH leads.
            root.file(&format!("usr/local/bin/{client}"), &calls(&found), 0o755)?;
        }
        root.file("var/www/cgi-bin/shop", PAGE, 0o755)
    },
    changes: &[
        "EXPOSE 8080",
        "CMD [\"/bin/httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/var/www\"]",
    ],
};

const PAGE: &str = "\
#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
echo \"visits: $(/usr/local/bin/redis-cli -h cache incr visits)\"
/usr/local/bin/psql -X -A -t -h db -U shop -d postgres -c 'select item, stock from shelf'
";

/// redis that keeps nothing.
pub(super) const CACHE: Image = Image {
    name: "shop-cache",
    fill: |root| root.program("redis-server").map(drop),
    changes: &[
        "EXPOSE 6379",
        "CMD [\"/usr/bin/redis-server\", \"--protected-mode\", \"no\", \"--save\", \"\", \"--appendonly\", \"no\"]",
    ],
};

/// PostgreSQL, which makes its files when it starts.
pub(super) const DB: Image = Image {
    name: "shop-db",
    fill: |root| {
        root.busybox()?;
        let postgres = root.program("postgres")?;
        root.program("initdb")?;
        postgres_files(root, &postgres)?;
        root.directory("usr/share/zoneinfo")?;
        root.directory("var/lib/postgresql")?;
        root.owner("var/lib/postgresql", POSTGRES_USER)?;
        let bin = postgres
            .path
            .parent()
            .context("postgres is in no directory")?;
        let bin = format!("/{}", bin.display());
        root.file("bin/database", &DATABASE.replace("BIN", &bin), 0o755)
    },
    changes: &["EXPOSE 5432", "USER postgres", "CMD [\"/bin/database\"]"],
};

/// As in the image's passwd.
const POSTGRES_USER: u32 = 70;

const DATABASE: &str = "\
#!/bin/sh
set -e
data=/var/lib/postgresql/data
BIN/initdb -D $data -U shop --auth trust -E UTF8 --locale C --no-sync > /dev/null
echo 'host all all all trust' >> $data/pg_hba.conf
BIN/postgres --single -D $data postgres > /dev/null <<END
create table shelf (item text, stock int);
insert into shelf values ('apples', 12), ('pears', 7);
END
exec BIN/postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off
";

/// What PostgreSQL reads when it makes its files: what it ships, and two of its libraries.
fn postgres_files(root: &Rootfs, postgres: &Found) -> Result<()> {
    // usr/lib/postgresql/N/bin/postgres
    let home = postgres.path.parent().and_then(|bin| bin.parent());
    let home = home.context("postgres has no directory of its own")?;
    let version = home.file_name().context("postgres has no version")?;
    let beside = |path: PathBuf| Found {
        root: postgres.root.clone(),
        path,
    };
    root.copy(&beside(PathBuf::from("usr/share/postgresql").join(version)))?;
    for library in ["plpgsql.so", "dict_snowball.so"] {
        root.linked(&beside(home.join("lib").join(library)))?;
    }
    Ok(())
}

/// A script that calls a program of the image by its full path.
fn calls(found: &Found) -> String {
    format!("#!/bin/sh\nexec /{} \"$@\"\n", found.path.display())
}
