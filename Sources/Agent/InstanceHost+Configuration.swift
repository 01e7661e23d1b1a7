public import Automata
import Glibc
public import Logging

extension InstanceHost {
    /// How a machine runs instances.
    public struct Configuration: Sendable {
        /// Where partitions listen.
        public enum Address: Hashable, Sendable {
            /// A 127.x.y.z of its own each, from the PeerID.
            case loopback
            /// This address of the machine, for all of them; they differ by their ports.
            case machine(String)
        }

        /// Absolute; up to 60 characters, since a Unix socket is in it.
        public var stateDirectory: String
        public var machine: PeerID
        /// 0 to 100; with 0 the host runs nothing, and needs neither users nor supervisord.
        public var partitionCount: Int
        public var isolation: Isolation
        public var address: Address
        /// The first port of partition 0; nil: derived from the PeerID, 20,000 to 31,800.
        public var portBase: UInt16?
        public var portsPerPartition: Int
        /// How long a release stays that no instance uses.
        public var releaseKeptFor: Duration
        /// How often processes are looked at.
        public var watchInterval: Duration
        /// A file with apt's settings (apt.conf(5)), for machines with a mirror of their own; nil: the system's.
        public var aptConfiguration: String?
        public var logger: Logger

        static let partitionCountMax = 100

        public init(
            stateDirectory: String, machine: PeerID, partitionCount: Int = Configuration.defaultPartitionCount,
            isolation: Isolation = .auto, address: Address = .loopback, portBase: UInt16? = nil,
            portsPerPartition: Int = 20, releaseKeptFor: Duration = .seconds(24 * 3600),
            watchInterval: Duration = .milliseconds(500), aptConfiguration: String? = nil,
            logger: Logger = Logger(label: "palmier.agent")
        ) {
            self.stateDirectory = stateDirectory
            self.machine = machine
            self.partitionCount = partitionCount
            self.isolation = isolation
            self.address = address
            self.portBase = portBase
            self.portsPerPartition = portsPerPartition
            self.releaseKeptFor = releaseKeptFor
            self.watchInterval = watchInterval
            self.aptConfiguration = aptConfiguration
            self.logger = logger
        }

        /// Twice the processor cores, at most 10.
        public static var defaultPartitionCount: Int { min(10, max(1, 2 * sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

        func check() throws(AgentError) {
            guard stateDirectory.hasPrefix("/") else {
                throw AgentError(.badConfiguration, "the state directory \"\(stateDirectory)\" is not absolute")
            }
            guard (0...Self.partitionCountMax).contains(partitionCount) else {
                throw AgentError(
                    .badConfiguration, "expected 0 to \(Self.partitionCountMax) partitions, found \(partitionCount)")
            }
            guard (1...1000).contains(portsPerPartition) else {
                throw AgentError(.badConfiguration, "expected 1 to 1000 ports a partition, found \(portsPerPartition)")
            }
            if case .machine(let address) = address, SocketAddress(host: address, port: 1) == nil {
                throw AgentError(.badConfiguration, "\"\(address)\" is no literal IPv4 or IPv6 address")
            }
        }
    }
}
