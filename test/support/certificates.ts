import { generateKeyPairSync } from "node:crypto";
import forge from "node-forge";

/** A certificate and its private key, as PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** An authority that a test makes, for the certificates of its servers and clients. */
export interface Authority {
  /** Its own certificate, as PEM. */
  readonly ca: string;
  /** A certificate for these host names and addresses, whose subject is the first of them. */
  issue(names: readonly string[]): Credentials;
}

const dayMs = 86_400_000;

/** An authority whose certificates began to be valid a day ago and end tomorrow. */
export function makeAuthority(name: string): Authority {
  const keys = newKeys();
  const ca = newCertificate({ subject: name, issuer: name, keys });
  ca.setExtensions([{ name: "basicConstraints", cA: true, critical: true }]);
  ca.sign(keys.privateKey, forge.md.sha256.create());
  return {
    ca: forge.pki.certificateToPem(ca),
    issue(names) {
      const own = newKeys();
      const cert = newCertificate({ subject: names[0] ?? "", issuer: name, keys: own });
      cert.setExtensions([
        { name: "extKeyUsage", serverAuth: true, clientAuth: true },
        { name: "subjectAltName", altNames: names.map(altNameOf) },
      ]);
      cert.sign(keys.privateKey, forge.md.sha256.create());
      return {
        cert: forge.pki.certificateToPem(cert),
        key: forge.pki.privateKeyToPem(own.privateKey),
      };
    },
  };
}

let serialNumber = 0;

function newCertificate({
  subject,
  issuer,
  keys,
}: {
  readonly subject: string;
  readonly issuer: string;
  readonly keys: forge.pki.rsa.KeyPair;
}): forge.pki.Certificate {
  const cert = forge.pki.createCertificate();
  serialNumber += 1;
  cert.serialNumber = `01${serialNumber.toString(16).padStart(6, "0")}`;
  cert.publicKey = keys.publicKey;
  cert.setSubject([{ name: "commonName", value: subject }]);
  cert.setIssuer([{ name: "commonName", value: issuer }]);
  cert.validity.notBefore = new Date(Date.now() - dayMs);
  cert.validity.notAfter = new Date(Date.now() + dayMs);
  return cert;
}

/** Node makes keys faster than the library does. */
function newKeys(): forge.pki.rsa.KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return {
    privateKey: forge.pki.privateKeyFromPem(privateKey),
    publicKey: forge.pki.publicKeyFromPem(publicKey),
  };
}

/** 2 is a DNS name, 7 an address. */
function altNameOf(name: string) {
  return /^[\d.]+$|:/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
}
