/// One value that many automata refer to: what peers made alike have in common, kept once. A real process has one peer, a
/// simulation a hundred thousand.
@dynamicMemberLookup
public final class Shared<Value: Sendable>: Sendable {
    public let value: Value

    public init(_ value: Value) {
        self.value = value
    }

    @inlinable
    public subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { value[keyPath: member] }
}
