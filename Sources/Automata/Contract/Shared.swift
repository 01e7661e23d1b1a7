/// A value that is kept once and referred to by many: what peers made alike have in common, or a word that goes round. A
/// real process has one peer, a simulation a hundred thousand. A copy refers to the same memory until it is changed.
@dynamicMemberLookup
public struct Shared<Value> {
    /// Exactly one: an array is a reference with the meaning of a value.
    @usableFromInline var items: [Value]

    public init(_ value: Value) {
        items = [value]
    }

    @inlinable public var value: Value {
        get { items[0] }
        _modify { yield &items[0] }
    }

    @inlinable
    public subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { items[0][keyPath: member] }
}

extension Shared: Sendable where Value: Sendable {}
extension Shared: Equatable where Value: Equatable {}
extension Shared: Hashable where Value: Hashable {}
