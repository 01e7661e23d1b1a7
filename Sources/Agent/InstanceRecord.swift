import Automata
internal import Releases

/// What the agent keeps about a partition's tenant: `instance.json`, written whole and durably as soon as something in it cannot be
/// made again.
struct InstanceRecord: Hashable, Sendable {
    var claim: ClaimReference
    var revision: Revision
    /// The release's directory name.
    var release: String
    /// supervisord's name of the program; empty when nothing runs.
    var program: String
    /// Of the launch script and what belongs to it: equal digests need no restart.
    var rendering: String
    var ports: [String: UInt16]
    var secrets: [String: String]
    var grace: Duration
    /// The program ended by itself and in peace: this revision is not started again.
    var isFinished: Bool

    /// Whether something here could not be made again: without it an instance would be taken for another's, or change
    /// its password.
    var isIrreplaceable: Bool { !program.isEmpty || !secrets.isEmpty || !ports.isEmpty }

    var text: String {
        JSONValue.object([
            "schema": .string("palmier.instance/1"), "machine": .string(claim.machine.description),
            "partition": .integer(Int64(claim.partition.value)),
            "fencing": .string(String(claim.fencing.value)), "revision": .string(String(revision.value)),
            "release": .string(release), "program": .string(program), "rendering": .string(rendering),
            "ports": .object(ports.mapValues { .integer(Int64($0)) }),
            "secrets": .object(secrets.mapValues { .string($0) }), "graceMs": .integer(grace.milliseconds),
            "finished": .boolean(isFinished),
        ]).canonicalJSON
    }

    init(
        claim: ClaimReference, revision: Revision, release: String = "", program: String = "", rendering: String = "",
        ports: [String: UInt16] = [:], secrets: [String: String] = [:], grace: Duration = .seconds(10),
        isFinished: Bool = false
    ) {
        self.claim = claim
        self.revision = revision
        self.release = release
        self.program = program
        self.rendering = rendering
        self.ports = ports
        self.secrets = secrets
        self.grace = grace
        self.isFinished = isFinished
    }

    /// nil when the text is no record of ours: then the partition counts as an orphan's.
    init?(text: String) {
        guard case .object(let members)? = try? JSONValue(parsing: text),
            case .string("palmier.instance/1")? = members["schema"],
            case .string(let machineText)? = members["machine"], let machine = PeerID(machineText),
            case .integer(let partition)? = members["partition"],
            case .string(let fencingText)? = members["fencing"], let fencing = UInt64(fencingText),
            case .string(let revisionText)? = members["revision"], let revision = UInt64(revisionText),
            case .string(let release)? = members["release"], case .string(let program)? = members["program"],
            case .string(let rendering)? = members["rendering"], case .object(let ports)? = members["ports"],
            case .object(let secrets)? = members["secrets"], case .integer(let grace)? = members["graceMs"],
            case .boolean(let isFinished)? = members["finished"]
        else { return nil }
        self.init(
            claim: ClaimReference(
                machine: machine, partition: PartitionNumber(Int(partition)), fencing: FencingNumber(fencing)),
            revision: Revision(revision), release: release, program: program, rendering: rendering,
            grace: .milliseconds(grace), isFinished: isFinished)
        for (name, value) in ports {
            if case .integer(let port) = value, let port = UInt16(exactly: port) { self.ports[name] = port }
        }
        for (name, value) in secrets {
            if case .string(let secret) = value { self.secrets[name] = secret }
        }
    }
}
