import AsyncHTTPClient
import Automata
internal import Foundation
import Glibc
import NIOCore
import NIOHTTP1
internal import Releases

/// Brings one release onto the disk: packages, archive, build, in this order; then marks it as whole.
///
/// A build script runs as a user of its own, never as root; what it made then belongs to the agent, so that no tenant
/// changes what others run.
struct ReleaseInstaller: Sendable {
    let release: Release
    let directory: String
    let place: PartitionPlace
    let isolation: Isolation
    let state: String
    let aptConfiguration: String?

    private var mark: String { directory + ".installed" }
    private var log: String { directory + ".log" }
    /// A guess: a large program on a small machine.
    private static let buildTimeout = Duration.seconds(2 * 3600)
    private static let toolTimeout = Duration.seconds(1800)

    /// - Returns: nil, or why it failed; then nothing but the log is left.
    func install() async -> AgentError? {
        do throws(AgentError) {
            if Disk.exists(mark), Disk.exists(directory), try await foundPackagesAreStillThere() {
                Disk.touch(mark)
                return nil
            }
            try Disk.remove(mark)
            try Disk.remove(directory)
            try Disk.makeDirectory(directory, mode: 0o755)
            try Disk.write("", to: log, mode: 0o644, durable: false)
            let found = try await packages()
            if let archive = release.source.archive { try await unpack(archive) }
            if let build = release.source.build { try await run(build) }
            let content = JSONValue.object([
                "schema": .string("palmier.release/1"), "found": .array(found.map { .string($0) }),
                "digest": .string(release.digest.description),
            ])
            try Disk.write(content.canonicalJSON, to: mark, mode: 0o644)
            return nil
        } catch {
            do throws(AgentError) { try Disk.remove(directory) } catch { note("\(error)") }
            return explained(error)
        }
    }

    private func explained(_ error: AgentError) -> AgentError {
        let end = ((try? Disk.read(log, upTo: 16 << 20)) ?? "").end()
        var message = "the release \(release.name) \(release.version) could not be installed: \(error.message)"
        if !end.isEmpty { message += "; the log's end:\n\(end)\n(all of it: \(log))" }
        var remedy = error.remedy
        if end.contains("No space left on device") || isDiskFull {
            if !message.contains("No space left on device") { message += "; No space left on device" }
            remedy = "free space on the disk of \(state); what is stored and what runs is not touched"
        }
        return AgentError(.installFailed, message, remedy: remedy)
    }

    /// Then not even the log could say so.
    private var isDiskFull: Bool {
        var disk = statvfs()
        return statvfs("\(state)/releases", &disk) == 0 && UInt64(disk.f_bavail) * UInt64(disk.f_frsize) < 1 << 20
    }

    private func note(_ text: String) {
        guard let handle = FileHandle(forWritingAtPath: log) else { return }
        handle.seekToEndOfFile()
        handle.write(Data((text + "\n").utf8))
        handle.closeFile()
    }

    // MARK: Debian packages

    private func foundPackagesAreStillThere() async throws(AgentError) -> Bool {
        guard case .object(let members)? = try? JSONValue(parsing: try Disk.read(mark) ?? ""),
            case .array(let items)? = members["found"]
        else { return false }
        let names = items.compactMap { if case .string(let name) = $0 { name } else { nil } }
        return try await installed(among: names).count == names.count
    }

    /// - Returns: those that are installed on the machine, and so are used from there.
    private func packages() async throws(AgentError) -> [String] {
        let wanted = release.source.packages
        guard !wanted.isEmpty else { return [] }
        let found = try await installed(among: wanted)
        let missing = wanted.filter { !found.contains($0) }
        guard !missing.isEmpty else { return found }
        try await download(missing)
        return found
    }

    private func installed(among names: [String]) async throws(AgentError) -> [String] {
        guard !names.isEmpty else { return [] }
        // It ends with 1 when one of them is unknown, and still answers for the others.
        let outcome = try await Tool.run(
            "dpkg-query", ["--show", "--showformat", "${db:Status-Status} ${Package}\n"] + names)
        let lines = Set(outcome.output.split(separator: "\n"))
        return names.filter { lines.contains("installed \($0)") }
    }

    /// Downloads packages with what they depend on and the machine lacks, and unpacks them into the directory; their
    /// installation scripts do not run.
    private func download(_ names: [String]) async throws(AgentError) {
        var environment: [String: String] = [:]
        if let aptConfiguration { environment["APT_CONFIG"] = aptConfiguration }
        let options = [
            "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces",
            "--no-enhances",
        ]
        let tree = try await Tool.run("apt-cache", ["depends"] + options + names, environment: environment)
        note(tree.output)
        guard tree.status == 0 else {
            throw AgentError(
                .installFailed,
                "the Debian packages \(names.joined(separator: ", ")) are neither installed nor known to apt",
                remedy: "check their names, or run apt-get update on the machine")
        }
        // Names stand at the start of a line; virtual packages in angle brackets, foreign architectures with a colon.
        let all = tree.output.split(separator: "\n").map(String.init)
            .filter { $0.first?.isLetter == true || $0.first?.isNumber == true }.filter { !$0.contains(":") }
        let there = try await installed(among: all)
        let missing = Array(Set(all).subtracting(there)).sorted()
        let downloads = "\(directory)/.packages"
        try Disk.makeDirectory(downloads, mode: 0o755)
        var arguments = ["-C", downloads, "apt-get", "download"]
        // Its unprivileged download user could not write here.
        if geteuid() == 0 { arguments += ["-o", "APT::Sandbox::User=root"] }
        let fetched = try await Tool.run(
            "env", arguments + missing, environment: environment, timeout: Self.toolTimeout)
        note(fetched.output)
        guard fetched.status == 0 else {
            throw AgentError(
                .installFailed, "apt-get download of \(missing.joined(separator: ", ")) failed",
                remedy: "check the network and run apt-get update on the machine")
        }
        for file in Disk.names(in: downloads) where file.hasSuffix(".deb") {
            let outcome = try await Tool.run(
                "dpkg-deb", ["--extract", "\(downloads)/\(file)", directory], timeout: Self.toolTimeout)
            note(outcome.output)
            guard outcome.status == 0 else { throw AgentError(.installFailed, "\(file) cannot be unpacked") }
        }
        try Disk.remove(downloads)
    }

    // MARK: An archive

    private func unpack(_ archive: Release.Archive) async throws(AgentError) {
        let file = directory + ".archive"
        defer { unlink(file) }
        let found = try await fetch(archive.url, to: file)
        guard found == archive.sha256 else {
            throw AgentError(
                .installFailed, "\(archive.url) has SHA-256 \(found), the release says \(archive.sha256)",
                remedy: "the archive has changed or was damaged on its way: look at it, then correct the release")
        }
        let outcome: Tool.Outcome
        if archive.url.hasSuffix(".zip") {
            outcome = try await Tool.run("unzip", ["-q", file, "-d", directory], timeout: Self.toolTimeout)
        } else {
            outcome = try await Tool.run(
                "tar",
                [
                    "--extract", "--file", file, "--directory", directory, "--strip-components", String(archive.strip),
                    "--no-same-owner", "--no-same-permissions",
                ], timeout: Self.toolTimeout)
        }
        note(outcome.output)
        guard outcome.status == 0 else { throw AgentError(.installFailed, "\(archive.url) cannot be unpacked") }
    }

    /// Copies or downloads an archive, and computes its digest on the way.
    private func fetch(_ url: String, to file: String) async throws(AgentError) -> Digest {
        do {
            guard FileManager.default.createFile(atPath: file, contents: nil, attributes: [.posixPermissions: 0o600]),
                let output = FileHandle(forWritingAtPath: file)
            else { throw Disk.failure("cannot write", file) }
            defer { try? output.close() }
            var digest = DigestBuilder()
            if url.hasPrefix("file:") {
                let path = URL(string: url)?.path ?? ""
                let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
                defer { try? input.close() }
                while let data = try input.read(upToCount: 1 << 20), !data.isEmpty {
                    digest.update(data)
                    try output.write(contentsOf: data)
                }
            } else {
                let response = try await HTTPClient.shared.execute(
                    HTTPClientRequest(url: url), timeout: .seconds(1800))
                guard response.status == .ok else {
                    throw AgentError(.installFailed, "\(url) answers with status \(response.status.code)")
                }
                for try await part in response.body {
                    let data = Array(part.readableBytesView)
                    digest.update(data)
                    try output.write(contentsOf: data)
                }
            }
            return digest.finish()
        } catch let error as AgentError {
            throw error
        } catch {
            throw AgentError(
                .installFailed, "\(url) cannot be fetched: \(error)", remedy: "check the URL, the network and the disk")
        }
    }

    // MARK: A build

    private func run(_ build: String) async throws(AgentError) {
        let script = LaunchScript(place: place, isolation: isolation, state: state, release: directory, marker: "")
        let file = directory + ".build"
        defer { unlink(file) }
        if let user = place.user {
            // What a build of an agent that was killed left running would write into this one.
            try await user.killAll()
            try await give(to: "\(user.uid):\(user.gid)")
            guard chown(log, user.uid, user.gid) == 0 else { throw Disk.failure("cannot change the owner of", log) }
        }
        try Disk.write(
            script.build(build, log: log), to: file, mode: 0o640, owner: place.user.map { (0, $0.gid) }, durable: false)
        let launcher = script.launcher
        let program = launcher[0].split(separator: "/").last.map(String.init) ?? launcher[0]
        let outcome = try await Tool.run(
            program, Array(launcher.dropFirst()) + [file], timeout: Self.buildTimeout)
        if let user = place.user {
            try await user.killAll()
            try await give(to: "0:0")
        }
        if outcome.timedOut {
            throw AgentError(.installFailed, "the build script took longer than \(Self.buildTimeout)")
        }
        guard outcome.status == 0 else {
            throw AgentError(
                .installFailed, "the build script ended with status \(outcome.status)",
                remedy: "correct the script, or install what it misses on the machine")
        }
    }

    private func give(to owner: String) async throws(AgentError) {
        // chown clears set-user-ID bits, which a build could have left for itself.
        let outcome = try await Tool.run("chown", ["--recursive", "--no-dereference", owner, directory])
        guard outcome.status == 0 else { throw AgentError(.installFailed, outcome.output.end(lines: 2)) }
    }
}
