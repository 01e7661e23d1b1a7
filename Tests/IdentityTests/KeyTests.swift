import Automata
import Crypto
import Foundation
import Testing
import X509

@testable import Identity

@Suite("private keys")
struct KeyTests {
    @Test("a PeerID is the digest of the DER SubjectPublicKeyInfo, in the key, the request and the certificate")
    func peerID() throws {
        let lab = try Lab()
        let key = lab.machine.key
        let expected = PeerID(publicKeyDigest: Automata.Digest(of: key.signing.publicKey.derRepresentation))
        #expect(key.peer == expected)
        #expect(lab.machine.leaf.publicKey.peer == expected)
        #expect(try SigningRequest(key: key, role: .identity(.machine), name: "x").peer == expected)
    }

    @Test("a key file is made with mode 0600 in a directory with mode 0700, and leaves nothing beside it")
    func created() throws {
        try withDirectory { directory in
            let key = try PrivateKey.loadOrCreate(at: "\(directory)/identity/key.pem")
            #expect(try mode(of: "\(directory)/identity/key.pem") == 0o600)
            #expect(try mode(of: "\(directory)/identity") == 0o700)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/identity") == ["key.pem"])
            #expect(try PrivateKey.loadOrCreate(at: "\(directory)/identity/key.pem").peer == key.peer)
        }
    }

    @Test(
        "a key that others can read is refused, and the message names the file, the mode and the remedy",
        arguments: [0o640, 0o604, 0o660])
    func exposed(permissions: Int) throws {
        try withDirectory { directory in
            let path = "\(directory)/key.pem"
            try PrivateKey().save(to: path)
            try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
            let error = #expect(throws: IdentityError.self) { try PrivateKey.load(from: path) }
            #expect(error?.code == .keyExposed)
            #expect(error?.description.contains(path) == true)
            #expect(error?.description.contains(String(permissions, radix: 8)) == true)
            #expect(error?.description.contains("chmod 600") == true)
        }
    }

    @Test("saving refuses to replace a key unless told to")
    func replacing() throws {
        try withDirectory { directory in
            let path = "\(directory)/key.pem"
            let first = PrivateKey()
            try first.save(to: path)
            #expect(code { try PrivateKey().save(to: path) } == .mismatch)
            #expect(try PrivateKey.load(from: path).peer == first.peer)
            let second = PrivateKey()
            try second.save(to: path, replacing: true)
            #expect(try PrivateKey.load(from: path).peer == second.peer)
        }
    }

    @Test("a missing key and a damaged key are different errors")
    func damaged() throws {
        try withDirectory { directory in
            let path = "\(directory)/key.pem"
            #expect(code { _ = try PrivateKey.load(from: path) } == .missing)
            try PrivateKey().save(to: path)
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.truncate(atOffset: 40)
            try handle.close()
            #expect(code { _ = try PrivateKey.load(from: path) } == .malformed)
        }
    }

    @Test("no description shows the private half")
    func descriptions() {
        let key = PrivateKey()
        let secret = key.signing.rawRepresentation.hexadecimal
        #expect(!"\(key)".contains(secret))
        #expect("\(key)".contains(key.peer.fingerprint))
    }
}
