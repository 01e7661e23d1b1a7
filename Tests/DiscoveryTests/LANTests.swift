import Foundation
import Testing

@Suite("Discovery on a LAN", .serialized)
struct LANTests {
    @Test(
        "two hosts, one with avahi-daemon: found, changed, moved, daemon lost and back, withdrawn, killed, silent link",
        .timeLimit(.minutes(3)), .enabled(if: missing.isEmpty, "this host lacks \(missing.joined(separator: ", "))"))
    func daemonAndEmbedded() throws {
        try run("discovery-lan.sh", endsWith: "ok: all ends")
    }

    @Test(
        "on a link of 1,000 machines a master finds all, one at avahi-daemon as many as its cache holds, and a machine every master",
        .timeLimit(.minutes(5)), .enabled(if: missing.isEmpty, "this host lacks \(missing.joined(separator: ", "))"))
    func crowd() throws {
        print(try run("discovery-crowd.sh", endsWith: "ok: with 16 changes a second"))
    }

    @discardableResult
    private func run(_ script: String, endsWith line: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [Self.scenarios.appendingPathComponent(script).path, Probe.executable.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(script) says:\n\(text)")
        #expect(text.contains(line), "\(script) says:\n\(text)")
        return text
    }

    private static let scenarios = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Scenarios")

    /// What the scenario needs and this host does not have.
    private static let missing: [String] = {
        let tools = ["ip", "nft", "unshare", "nsenter", "avahi-daemon", "avahi-browse", "dbus-daemon"]
        let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        let absent = tools.filter { tool in
            !folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
        }
        guard absent.isEmpty else { return absent }
        // avahi-daemon gives its folder to a user of its own, which a user namespace does not know.
        guard geteuid() == 0 else { return ["root"] }
        // Some containers forbid what a namespace needs, root or not.
        let trial = Process()
        trial.executableURL = URL(fileURLWithPath: "/bin/bash")
        let command = "PATH=$PATH:/sbin; unshare --mount --net --pid --fork ip link add name br0 type bridge"
        trial.arguments = ["-c", command]
        trial.standardError = FileHandle.nullDevice
        do { try trial.run() } catch { return ["bash"] }
        trial.waitUntilExit()
        return trial.terminationStatus == 0 ? [] : ["the right to make network namespaces with a bridge"]
    }()
}
