import Automata
import Foundation
import Testing

@testable import Agent

/// The parts that need no process.
@Suite struct PartsTests {
    @Test("a call is written and an answer is read as XML-RPC")
    func codec() throws {
        let call = XMLRPCCall(method: "supervisor.addProcessGroup", parameters: [.string("a<b&c"), .boolean(true)])
        #expect(call.text.contains("<methodName>supervisor.addProcessGroup</methodName>"))
        #expect(call.text.contains("<string>a&lt;b&amp;c</string>"))
        let value = XMLRPCValue.array([
            .structure(["name": .string("x > y & \"z\""), "pid": .integer(-7)]), .boolean(false), .string(""),
        ])
        let text =
            "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n\(value.xml)\n</param></params></methodResponse>"
        #expect(try XMLRPCValue.response(text) == value)
        #expect(
            try XMLRPCValue.response(
                "<methodResponse><params><param><value> &#65;&quot; </value></param></params></methodResponse>")
                == .string(" A\" "))
    }

    @Test("a fault is thrown with its code")
    func fault() {
        let value = XMLRPCValue.structure(["faultCode": .integer(10), "faultString": .string("BAD_NAME: x")])
        let fault = #expect(throws: XMLRPCFault.self) {
            try XMLRPCValue.response("<methodResponse><fault>\(value.xml)</fault></methodResponse>")
        }
        #expect(fault?.description == "BAD_NAME: x (fault 10)")
    }

    @Test("an answer that is cut anywhere, or is something else, is an error and no crash")
    func garbage() {
        let value = XMLRPCValue.array([.structure(["a": .integer(1)]), .string("b")])
        let text = "<methodResponse><params><param>\(value.xml)</param></params></methodResponse>"
        let whole = text.utf8.count - "</param></params></methodResponse>".utf8.count
        for count in 0..<whole {
            #expect(throws: (any Error).self) { try XMLRPCValue.response(String(text.prefix(count))) }
        }
        let deep = String(repeating: "<value><array><data>", count: 100_000)
        #expect(throws: XMLRPCSyntaxError.self) {
            try XMLRPCValue.response("<methodResponse><params><param>\(deep)")
        }
    }

    @Test("a record survives being written and read, and garbage is no record")
    func record() {
        let claim = ClaimReference(machine: PeerID(0xA5), partition: PartitionNumber(3), fencing: FencingNumber(.max))
        let record = InstanceRecord(
            claim: claim, revision: Revision(7), release: "a-1-00000000", program: "p03-1", rendering: "ff",
            ports: ["main": 20_000], secrets: ["key": "\"\n"], grace: .milliseconds(1500), isFinished: true)
        #expect(InstanceRecord(text: record.text) == record)
        #expect(InstanceRecord(text: "") == nil)
        #expect(InstanceRecord(text: #"{"schema":"palmier.instance/2"}"#) == nil)
    }

    @Test("a log that is cut keeps its offsets")
    func cut() throws {
        let folder = "/tmp/palmier-test-log-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let log = InstanceLog(control: folder, stream: .stdout)
        let size = Int(InstanceLog.bytesMax) + 10
        try Data(repeating: UInt8(ascii: "a"), count: size).write(to: URL(fileURLWithPath: log.path))
        try log.cut()
        let handle = try #require(FileHandle(forWritingAtPath: log.path))
        handle.write(Data("new".utf8))
        try handle.close()
        let across = try log.read(offset: Int64(size) - 2, limit: 100)
        #expect(across.bytes == Array("aanew".utf8))
        #expect(across.nextOffset == Int64(size) + 3)
        #expect(try log.read(offset: across.nextOffset, limit: 100).bytes.isEmpty)
        try Data(repeating: UInt8(ascii: "b"), count: size).write(to: URL(fileURLWithPath: log.path))
        try log.cut()
        // The first file is gone: reading from the very start begins at what is kept.
        #expect(try log.read(offset: 0, limit: 1).bytes == [UInt8(ascii: "b")])
    }

    @Test("partitions of one machine, and of two, have addresses of their own in 127/8")
    func addresses() throws {
        let machine = try #require(PeerID("ff00000000000000ffffffffffffffff"))
        #expect(PartitionPlace.loopbackAddress(machine: machine, partition: PartitionNumber(0)) == "127.2.0.10")
        #expect(PartitionPlace.loopbackAddress(machine: PeerID(0), partition: PartitionNumber(9)) == "127.1.0.19")
        for byte in UInt8.min...UInt8.max {
            let parts = PartitionPlace.loopbackAddress(machine: PeerID(byte), partition: PartitionNumber(99))
                .split(separator: ".").compactMap { Int($0) }
            #expect(parts.count == 4 && (1...254).contains(parts[1]) && parts[3] < 255)
            #expect((20_000...31_800).contains(PartitionPlace.portBase(machine: PeerID(byte))))
        }
    }

    @Test("a user's name fits what Linux allows")
    func userName() {
        let name = PartitionUser.name(machine: PeerID(0xA5), partition: PartitionNumber(7))
        #expect(name == "palmier-a5000000-p07")
        #expect(PartitionUser.builderName(machine: PeerID(0xA5)).count <= 32)
    }

    @Test(
        "users are made all at once or one after the other, with the same homes, and nobody can log in as one of them",
        .enabled(if: geteuid() == 0, "making users needs root"), arguments: [true, false])
    func users(areMadeAtOnce: Bool) async throws {
        guard !areMadeAtOnce || Tool.isInstalled("systemd-sysusers") else { return }
        let prefix = "palmier-t\(UInt16.random(in: .min ... .max))-"
        let wanted = ["/srv/a b", "/srv/100%d", #"/srv/"q"\x"#].enumerated().map { number, home in
            PartitionUser.Wanted(name: prefix + "\(number)", home: home)
        }
        let said = try await areMadeAtOnce ? PartitionUser.makeAll(wanted) : PartitionUser.makeEach(wanted)
        let users = try await PartitionUser.create(wanted)
        #expect(Set(users.values.map(\.uid)).count == wanted.count, "\(said)")
        for user in wanted {
            let entry = try #require(getpwnam(user.name)).pointee
            #expect(String(cString: entry.pw_dir) == user.home)
            #expect(String(cString: entry.pw_shell) == "/usr/sbin/nologin")
            #expect(try String(contentsOfFile: "/etc/shadow", encoding: .utf8).contains("\n\(user.name):!"))
            try await PartitionUser.remove(user.name)
            #expect(PartitionUser.find(user.name) == nil)
        }
    }

    @Test("a user that cannot be made is an error with what the program said")
    func userThatCannotBe() async {
        let wanted = PartitionUser.Wanted(name: "palmier:no", home: "/srv")
        let error = await #expect(throws: AgentError.self) { try await PartitionUser.create([wanted]) }
        #expect(error?.code == .toolFailed && error?.message.contains("palmier:no") == true)
    }

    @Test(
        "a configuration that cannot work is refused before anything is made",
        arguments: ["relative/path", "/tmp/" + String(repeating: "x", count: 100), "/tmp/with space"])
    func configuration(_ directory: String) async {
        var configuration = InstanceHost.Configuration(stateDirectory: directory, machine: PeerID(1), partitionCount: 1)
        configuration.isolation = .none
        let host = InstanceHost(configuration: configuration)
        let error = await #expect(throws: AgentError.self) { try await host.start(orders: []) }
        #expect(error?.code == .badConfiguration)
        #expect(!FileManager.default.fileExists(atPath: directory))
    }
}
