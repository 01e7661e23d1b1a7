import Foundation
import Testing

@Suite("Discovery on a LAN")
struct LANTests {
    @Test(
        "two hosts, one with avahi-daemon: found, changed, moved, daemon lost and back, withdrawn, killed, silent link",
        .timeLimit(.minutes(3)), .enabled(if: missing.isEmpty, "this host lacks \(missing.joined(separator: ", "))"))
    func daemonAndEmbedded() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [Self.script, Probe.executable.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(Self.script) says:\n\(text)")
        #expect(text.contains("ok: all ends"), "\(Self.script) says:\n\(text)")
    }

    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Scenarios/discovery-lan.sh").path

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
