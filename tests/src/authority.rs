//! An authority of certificates, by openssl.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::agent::Room;
use crate::shell;

/// An authority, and all it has issued; removed when dropped.
#[derive(Debug)]
pub struct Authority {
    /// Its own certificate.
    pub certificate: PathBuf,
    key: PathBuf,
    room: Room,
}

/// A certificate with its key, which nobody else may read.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The key's.
    pub key: PathBuf,
}

impl Authority {
    /// A new one, whom nobody trusts yet.
    ///
    /// # Errors
    ///
    /// When openssl is not here, or fails.
    pub fn found() -> Result<Self> {
        let room = Room::take()?;
        let (certificate, key) = (room.0.join("ca.pem"), room.0.join("ca.key"));
        new_key(&key)?;
        let mut request = shell::command("openssl");
        request
            .args(["req", "-x509", "-days", "2", "-subj", "/CN=authority"])
            .args(["-key", text(&key)?, "-out", text(&certificate)?]);
        shell::output(&mut request)?;
        Ok(Self {
            certificate,
            key,
            room,
        })
    }

    /// A certificate for a server on loopback, or for a client.
    ///
    /// # Errors
    ///
    /// When openssl fails.
    pub fn issue(&self, name: &str) -> Result<Issued> {
        let file = |extension: &str| self.room.0.join(name).with_extension(extension);
        let (certificate, key, request) = (file("pem"), file("key"), file("csr"));
        new_key(&key)?;
        let mut ask = shell::command("openssl");
        ask.args(["req", "-new", "-subj", &format!("/CN={name}")])
            .args(["-key", text(&key)?, "-out", text(&request)?]);
        shell::output(&mut ask)?;
        let names = file("ext");
        fs::write(&names, "subjectAltName=IP:127.0.0.1,DNS:localhost\n")?;
        let mut sign = shell::command("openssl");
        sign.args(["x509", "-req", "-days", "1", "-in", text(&request)?])
            .args(["-CA", text(&self.certificate)?, "-CAkey", text(&self.key)?])
            .args(["-CAcreateserial", "-extfile", text(&names)?])
            .args(["-out", text(&certificate)?]);
        shell::output(&mut sign)?;
        Ok(Issued { certificate, key })
    }
}

fn new_key(file: &Path) -> Result<()> {
    let mut generate = shell::command("openssl");
    generate.args(["genpkey", "-algorithm", "EC"]).args([
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-out",
        text(file)?,
    ]);
    shell::output(&mut generate)?;
    Ok(fs::set_permissions(
        file,
        fs::Permissions::from_mode(0o600),
    )?)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a temporary path is not UTF-8")
}
