import Automata
import Foundation
import Lab
import NIOCore
import Synchronization

/// Three members of etcd on loopback, as its package has them but for addresses: every put is on the disks of a majority
/// before it is acknowledged.
final class EtcdCluster: Sendable {
    struct Member: Sendable {
        var name: String
        var client: UInt16
        var peer: UInt16
        var process: LabProcess
    }

    private let folder: String
    private let running: Mutex<[Member]>
    private let loop: any EventLoop

    private init(_ folder: String, _ members: [Member], _ loop: any EventLoop) {
        (self.folder, self.loop) = (folder, loop)
        running = Mutex(members)
    }

    var members: [Member] { running.withLock { $0 } }

    /// Why there is nothing to compare with; nil: etcd is here.
    static func obstacle() -> String? {
        program == nil ? "etcd is not installed (Debian: etcd-server); the comparison is left out" : nil
    }

    private static var program: String? {
        ["/usr/bin/etcd", "/usr/local/bin/etcd"].first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func start(in folder: String, on loop: any EventLoop) async throws -> EtcdCluster {
        let ports = try LoopbackPorts.free(6)
        let names = ["e1", "e2", "e3"]
        let cluster = zip(names, ports[3...]).map { "\($0)=http://127.0.0.1:\($1)" }.joined(separator: ",")
        var members: [Member] = []
        do {
            for (index, name) in names.enumerated() {
                let process = try await spawn(
                    name, client: ports[index], peer: ports[index + 3], cluster: cluster, in: folder)
                members.append(
                    Member(name: name, client: ports[index], peer: ports[index + 3], process: process))
            }
            let cluster = EtcdCluster(folder, members, loop)
            _ = try await cluster.leader()
            return cluster
        } catch {
            for member in members { member.process.kill(.kill) }
            throw error
        }
    }

    private static func spawn(
        _ name: String, client: UInt16, peer: UInt16, cluster: String, in folder: String
    ) async throws -> LabProcess {
        try await LabProcess.start(
            [
                program ?? "etcd", "--name", name, "--data-dir", "\(folder)/\(name)",
                "--listen-client-urls", "http://127.0.0.1:\(client)",
                "--advertise-client-urls", "http://127.0.0.1:\(client)",
                "--listen-peer-urls", "http://127.0.0.1:\(peer)",
                "--initial-advertise-peer-urls", "http://127.0.0.1:\(peer)", "--initial-cluster", cluster,
                "--initial-cluster-state", "new", "--logger", "zap", "--log-level", "error",
            ], log: "\(folder)/\(name).log")
    }

    /// The index of the member that leads, when all three agree.
    func leader() async throws -> Int {
        try await Polling.value("etcd's members agree who leads", within: .seconds(60), every: .milliseconds(100)) {
            var found: (member: UInt64, index: Int)?
            var leaders: Set<UInt64> = []
            for (index, member) in members.enumerated() {
                guard let status = await status(of: member), status.leader != 0 else { return nil }
                leaders.insert(status.leader)
                if status.leader == status.member { found = (status.member, index) }
            }
            guard let found, leaders == [found.member] else { return nil }
            return found.index
        }
    }

    private func status(of member: Member) async -> EtcdStatus? {
        guard let client = try? await EtcdClient.connect(ports: [member.client], connections: 1, value: [], on: loop)
        else { return nil }
        let status = await client.status()
        await client.close()
        return status
    }

    /// Waits until each has what the others have.
    func awaitLevel() async throws {
        try await Polling.until("etcd's members have the same", within: .seconds(60), every: .milliseconds(200)) {
            var indices: [UInt64] = []
            for member in members {
                guard let status = await status(of: member), status.leader != 0 else { return false }
                indices.append(status.index)
            }
            return (indices.max() ?? 0) - (indices.min() ?? 0) <= 10
        }
    }

    func restart(_ index: Int) async throws {
        try await members[index].process.wait(within: .seconds(5))
        let cluster = members.map { "\($0.name)=http://127.0.0.1:\($0.peer)" }.joined(separator: ",")
        let member = members[index]
        let process = try await Self.spawn(
            member.name, client: member.client, peer: member.peer, cluster: cluster, in: folder)
        running.withLock { $0[index].process = process }
    }

    func end() async {
        for member in members { member.process.kill(.kill) }
        for member in members { _ = try? await member.process.wait(within: .seconds(5)) }
    }
}

/// Ports of loopback that nobody uses now.
enum LoopbackPorts {
    static func free(_ count: Int) throws -> [UInt16] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        var ports: [UInt16] = []
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { throw LedgerBenchError("no socket can be made: errno \(errno)") }
            sockets.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
                }
            }
            guard isBound else { throw LedgerBenchError("no port of 127.0.0.1 is free: errno \(errno)") }
            ports.append(UInt16(bigEndian: address.sin_port))
        }
        return ports
    }
}
