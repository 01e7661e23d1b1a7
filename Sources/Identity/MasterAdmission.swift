public import Automata
import Foundation
import SwiftASN1

/// A master's admission as it travels on a disk or by mail: from where the root's key is kept to the master.
///
/// Nothing in it is secret. Its authority is good only together with the key that the request was made with, and the
/// root in it is believed by a master that knows no other; people compare its fingerprint, as they do when joining.
public struct MasterAdmission: Sendable {
    public let trust: FabricTrust
    /// The authority's certificate, DER.
    public let certificateBytes: [UInt8]

    /// Admits a master, for carrying.
    ///
    /// - Parameter request: for the role `authority`, as `SigningRequest` read and checked it.
    public init(
        admitting request: SigningRequest, by root: FabricRoot, now: Instant
    ) throws(IdentityError) {
        trust = root.trust
        certificateBytes = try root.admitMaster(request, name: request.subject.name, now: now)
    }

    /// Puts the admission together with the key that it was asked for with; checks that they belong to each other.
    public func authority(key: PrivateKey, now: Instant) throws(IdentityError) -> Authority {
        let authority = try Authority(key: key, certificateBytes: certificateBytes, trust: trust)
        guard now < authority.notAfter else {
            throw IdentityError(
                .authorityExpired, "the admission of \"\(authority.name)\" ended on \(authority.notAfter.calendar)",
                remedy: "have the request signed again: palmier fabric sign")
        }
        return authority
    }

    // MARK: Document

    /// - Parameter json: what `json` gave.
    public init(json: [UInt8]) throws(IdentityError) {
        let malformed = { (what: String) in
            IdentityError(
                .malformed, "this is no master's admission: \(what)",
                remedy: "bring back the whole output of palmier fabric sign")
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(json))
        } catch {
            throw malformed("it cannot be read as JSON with the fields of \(Document.schema)")
        }
        guard document.schema == Document.schema else { throw malformed("its schema is \"\(document.schema)\"") }
        guard let policy = AdmissionPolicy(rawValue: document.policy) else {
            throw malformed("its policy is \"\(document.policy)\"")
        }
        do {
            certificateBytes = try PEMDocument(pemString: document.authority).derBytes
        } catch {
            throw malformed("its authority is not PEM")
        }
        trust = try FabricTrust(
            rootPEM: document.root, policy: policy, created: Instant(milliseconds: document.createdMilliseconds))
    }

    /// The document, for people to carry and to look into.
    public func json() throws(IdentityError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let pem = PEMDocument(type: "CERTIFICATE", derBytes: certificateBytes).pemString
        do {
            let document = Document(
                fabric: trust.name, policy: trust.policy.rawValue, createdMilliseconds: trust.created.milliseconds,
                root: trust.rootPEM, authority: pem)
            return String(decoding: try encoder.encode(document), as: UTF8.self)
        } catch {
            throw IdentityError(.storage, "cannot encode the admission: \(error)", remedy: "report this as a defect")
        }
    }

    private struct Document: Codable {
        static let schema = "palmier.master-admission/1"

        var schema = Document.schema
        /// For people; what counts is the name in the root.
        var fabric: String
        var policy: String
        var createdMilliseconds: Int64
        var root: String
        var authority: String
    }
}
