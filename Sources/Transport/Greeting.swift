public import Automata
import Identity
import SwiftProtobuf
import WireSchema

/// What a peer says first: `Hello` of `Specs/wire/transport.proto`.
public struct Greeting: Hashable, Sendable {
    /// The versions of the protocol that it speaks.
    public var versions: ClosedRange<UInt32>
    public var fabric: String
    /// For people, never for decisions; at most 128 bytes are kept.
    public var software: String
    /// Its wall clock when it greeted.
    public var clock: Instant
    public var incarnation: Incarnation

    public init(
        versions: ClosedRange<UInt32>, fabric: String, software: String, clock: Instant, incarnation: Incarnation
    ) {
        self.versions = versions
        self.fabric = fabric
        self.software = software
        self.clock = clock
        self.incarnation = incarnation
    }

    /// The first frame's payload.
    func encoded() -> [UInt8] {
        var hello = WireHello()
        hello.oldestVersion = versions.lowerBound
        hello.newestVersion = versions.upperBound
        hello.fabric = fabric
        hello.software = software
        hello.clockMilliseconds = clock.milliseconds
        hello.incarnation = incarnation.value
        do {
            return try hello.serializedBytes()
        } catch {
            preconditionFailure("a Hello without required fields cannot fail to serialize: \(error)")
        }
    }

    /// Reads the first frame; fields that are not known are ignored.
    init(payload: [UInt8]) throws(RejectionReason) {
        let hello: WireHello
        do {
            hello = try WireHello(serializedBytes: payload)
        } catch {
            throw .garbage("it is no Hello")
        }
        guard hello.newestVersion >= 1, hello.oldestVersion <= hello.newestVersion else {
            throw .garbage("it names the versions \(hello.oldestVersion) to \(hello.newestVersion)")
        }
        guard hello.fabric.utf8.count <= 63 else { throw .garbage("its fabric's name is too long") }
        // 292 years on each side of 1970: what 64 bits of nanoseconds hold.
        guard (0...9_000_000_000_000).contains(hello.clockMilliseconds) else { throw .garbage("its clock is absurd") }
        self.init(
            versions: hello.oldestVersion...hello.newestVersion, fabric: hello.fabric,
            software: String(decoding: hello.software.utf8.prefix(128), as: UTF8.self),
            clock: Instant(milliseconds: hello.clockMilliseconds), incarnation: Incarnation(hello.incarnation))
    }

    /// Decides whether the two sides can talk. Both evaluate the same rule on the same two greetings, so that both give
    /// the same reason.
    ///
    /// - Parameter own: this side's greeting, stamped when the other's arrived.
    /// - Returns: the newest version that both speak.
    func agree(with own: Greeting, tolerance: Duration) throws(RejectionReason) -> UInt32 {
        let newest = min(versions.upperBound, own.versions.upperBound)
        guard newest >= max(versions.lowerBound, own.versions.lowerBound) else {
            throw .version(own: own.versions, theirs: versions)
        }
        guard fabric == own.fabric else { throw .fabric(own: own.fabric, theirs: fabric) }
        let ahead = Duration.milliseconds(clock.milliseconds - own.clock.milliseconds)
        guard ahead <= tolerance, ahead >= .zero - tolerance else { throw .clock(ahead: ahead) }
        return newest
    }
}
