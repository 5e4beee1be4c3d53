//! TLS as docker contexts and `DOCKER_CERT_PATH` describe it, on rustls with the ring provider.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::resolve::Tls;
use crate::model::Fault;

/// The client configuration for `tls`.
///
/// # Errors
/// `Config` naming the file that cannot be used.
pub fn config(tls: &Tls) -> Result<ClientConfig, Fault> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("TLS", &error))?;
    let builder = if tls.verify {
        builder.with_root_certificates(roots(tls.ca.as_deref())?)
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Unchecked(provider)))
    };
    match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => {
            let private =
                PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(&key.display().to_string(), &error))?;
            builder
                .with_client_auth_cert(certificates(cert)?, private)
                .map_err(|error| unusable(&cert.display().to_string(), &error))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, Fault> {
    let mut store = RootCertStore::empty();
    match ca {
        Some(path) => {
            for certificate in certificates(path)? {
                store.add(certificate).map_err(|error| unusable(&path.display().to_string(), &error))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found: Result<Vec<_>, _> = match CertificateDer::pem_file_iter(path) {
        Ok(items) => items.collect(),
        Err(error) => Err(error),
    };
    match found {
        Ok(list) if list.is_empty() => Err(unusable(&path.display().to_string(), &"no certificate in it")),
        Ok(list) => Ok(list),
        Err(error) => Err(unusable(&path.display().to_string(), &error)),
    }
}

fn unusable(what: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::Config {
        what: format!("{what} cannot be used for TLS: {why}"),
        way_out: "check the files of the docker context or of DOCKER_CERT_PATH".into(),
    }
}

/// Accepts any certificate: what `SkipTLSVerify` asks for.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
