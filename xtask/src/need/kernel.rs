//! Debian's kernels, unpacked to be booted.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use probe_tests::place;

use super::apt;
use crate::line::Line;
use crate::say;

/// A kernel that can be booted.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// What `uname -r` says in it.
    pub(crate) release: String,
    /// What its package was unpacked to.
    directory: PathBuf,
}

impl Kernel {
    /// The newest of a series, such as `6.1`, that apt offers; without apt's word, the newest that
    /// is here.
    pub(crate) fn newest(series: &str) -> Result<Self> {
        let here = || {
            let names = unpacked().read_dir().into_iter().flatten().flatten();
            let names = names.filter_map(|entry| entry.file_name().into_string().ok());
            newest(series, names)
        };
        let offered = apt::search(&format!("^linux-image-{series}\\.")).map(|packages| {
            let of_package = |name: &String| Some(name.strip_prefix("linux-image-")?.to_owned());
            newest(series, packages.iter().filter_map(of_package))
        });
        let release = match offered {
            Ok(Some(release)) => release,
            Ok(None) => here().with_context(|| {
                format!(
                    "apt offers no kernel {series} for this machine: `apt-cache search \
                     linux-image` shows those it does"
                )
            })?,
            Err(error) => here().ok_or(error).with_context(|| {
                format!("no kernel {series} is here, and apt cannot say whether it has one")
            })?,
        };
        let kernel = Self {
            directory: unpacked().join(&release),
            release,
        };
        if !kernel.image().is_file() {
            kernel.get()?;
        }
        Ok(kernel)
    }

    /// The file that is booted.
    pub(crate) fn image(&self) -> PathBuf {
        let name = format!("vmlinuz-{}", self.release);
        self.directory.join("boot").join(name)
    }

    fn get(&self) -> Result<()> {
        let package = format!("linux-image-{}", self.release);
        say::progress(format_args!("getting a kernel: {package}"));
        // Whole or not at all: what is there under its name can be booted.
        let partial = self.directory.with_extension("partial");
        let _ = fs::remove_dir_all(&partial);
        apt::extract(&package, &partial)?;
        Line::new("depmod")
            .arg("--basedir")
            .arg(&partial)
            .arg(&self.release)
            .run()?;
        let _ = fs::remove_dir_all(&self.directory);
        fs::rename(&partial, &self.directory)
            .with_context(|| format!("cannot make {}", self.directory.display()))
    }
}

/// Refuses what is no series, before anything is looked for.
pub(crate) fn check_series(series: &str) -> Result<()> {
    let mut parts = series.split('.');
    let number = |part: Option<&str>| {
        part.is_some_and(|part| {
            !part.is_empty() && part.len() < 4 && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    if !(number(parts.next()) && number(parts.next()) && parts.next().is_none()) {
        bail!("{series:?} is no series of kernels: name one as 6.1 or 6.12");
    }
    if std::env::consts::ARCH != "x86_64" {
        bail!("other kernels are emulated for x86_64 alone, and this machine is another");
    }
    Ok(())
}

fn unpacked() -> PathBuf {
    let base: &Path = &place::target();
    base.join("kernels")
}

/// The newest plain kernel of a series: no `cloud`, `rt`, `dbg` or `unsigned` one.
fn newest(series: &str, releases: impl IntoIterator<Item = String>) -> Option<String> {
    let prefix = format!("{series}.");
    releases
        .into_iter()
        .filter_map(|release| {
            let version = release.strip_prefix(&prefix)?.strip_suffix("-amd64")?;
            // As in `0-56` and `117+deb12`.
            let numbers: Option<Vec<u32>> = version
                .split(['.', '-', '+'])
                .map(|part| part.trim_start_matches("deb").parse().ok())
                .collect();
            Some((numbers?, release))
        })
        .max()
        .map(|(_, release)| release)
}

#[cfg(test)]
mod tests {
    use super::{check_series, newest};

    fn check(series: &str, releases: &[&str], expected: Option<&str>) {
        let releases = releases.iter().map(|&release| release.to_owned());
        assert_eq!(newest(series, releases).as_deref(), expected);
    }

    #[test]
    fn the_newest_plain_one() {
        let one = ["6.1.0-9-amd64", "6.1.0-56-amd64", "6.1.0-57-rt-amd64"];
        check("6.1", &one, Some("6.1.0-56-amd64"));
        let twelve = [
            "6.12.117+deb12-amd64",
            "6.12.99+deb12-amd64",
            "6.12.118+deb12-cloud-amd64",
            "6.12.118+deb12-amd64-dbg",
        ];
        check("6.12", &twelve, Some("6.12.117+deb12-amd64"));
        check("6.1", &twelve, None);
    }

    #[test]
    fn a_series_is_two_numbers() {
        for series in ["6", "6.", "6.1.0", "six", "", "6.1-rc1"] {
            assert!(check_series(series).is_err(), "{series}");
        }
        assert!(check_series("6.12").is_ok());
    }
}
