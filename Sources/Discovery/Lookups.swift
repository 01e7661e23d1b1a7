import Automata

/// Which of the instances that browsers show are resolved, and when.
///
/// Masters come first and always; others up to a number, since each of them costs the link questions and the cache records, and
/// who has spoken to a master needs none of the others. A few are resolved at once, the rest in turn: a thousand that appear
/// together would otherwise all be asked about together.
///
/// A value without clock or I/O. Invariants: at most `othersMax` instances that are no masters and `mastersMax` that are have been
/// let in; at most `atOnceMax` are under way; one that is under way or waits is shown by a browser.
struct Lookups {
    /// Two browsers show the same instances: one those of the masters' sub-type, one all of the type.
    enum Source: Hashable {
        case masters, everyone
    }

    /// Masters that are resolved; more are a flood.
    static let mastersMax = 512
    /// Instances that are remembered without being resolved, to take the place of one that is gone.
    static let passedOverMax = 4_096
    static let atOnceMax = 64

    let othersMax: Int
    private var shown: [SightingKey: Set<Source>] = [:]
    /// Those that are resolved, or are to be.
    private var masters: Set<SightingKey> = []
    private var others: Set<SightingKey> = []
    private var passedOver: [SightingKey] = []
    private var underWay: Set<SightingKey> = []
    /// The first of them is next.
    private var waitingMasters: [SightingKey] = []
    private var waitingOthers: [SightingKey] = []

    init(othersMax: Int) { self.othersMax = othersMax }

    /// Instances that were not let in.
    var passedOverCount: Int { passedOver.count }

    /// - Returns: what to resolve now.
    mutating func appeared(_ key: SightingKey, in source: Source) -> [SightingKey] {
        let isNew = shown[key] == nil
        guard !isNew || shown.count < othersMax + Self.mastersMax + Self.passedOverMax else { return [] }
        shown[key, default: []].insert(source)
        switch source {
        case .masters:
            guard !masters.contains(key), masters.count < Self.mastersMax else { return [] }
            masters.insert(key)
            passedOver.removeAll { $0 == key }
            // One that was let in before as one of the others leaves its place to another.
            if others.remove(key) == nil { waitingMasters.append(key) }
            letIn()
        case .everyone:
            guard isNew else { return [] }
            guard others.count < othersMax else {
                if passedOver.count < Self.passedOverMax { passedOver.append(key) }
                return []
            }
            others.insert(key)
            waitingOthers.append(key)
        }
        return begin()
    }

    /// - Returns: whether no browser shows it any more, and what to resolve now.
    mutating func disappeared(_ key: SightingKey, from source: Source) -> (isGone: Bool, next: [SightingKey]) {
        guard var sources = shown[key] else { return (true, []) }
        sources.remove(source)
        guard sources.isEmpty else {
            shown[key] = sources
            return (false, [])
        }
        shown[key] = nil
        masters.remove(key)
        others.remove(key)
        passedOver.removeAll { $0 == key }
        waitingMasters.removeAll { $0 == key }
        waitingOthers.removeAll { $0 == key }
        underWay.remove(key)
        letIn()
        return (true, begin())
    }

    /// A resolver has answered, or given up.
    ///
    /// - Returns: what to resolve now.
    mutating func settled(_ key: SightingKey) -> [SightingKey] {
        underWay.remove(key)
        return begin()
    }

    /// It is to be resolved anew.
    ///
    /// - Returns: what to resolve now.
    mutating func again(_ key: SightingKey) -> [SightingKey] {
        guard !underWay.contains(key), !waitingMasters.contains(key), !waitingOthers.contains(key) else { return [] }
        if masters.contains(key) {
            waitingMasters.append(key)
        } else if others.contains(key) {
            waitingOthers.append(key)
        }
        return begin()
    }

    mutating func removeAll() { self = Lookups(othersMax: othersMax) }

    // MARK: Parts

    /// Those passed over take places that became free.
    private mutating func letIn() {
        while others.count < othersMax, let key = passedOver.popLast() {
            others.insert(key)
            waitingOthers.append(key)
        }
    }

    private mutating func begin() -> [SightingKey] {
        var begun: [SightingKey] = []
        while underWay.count < Self.atOnceMax {
            guard !waitingMasters.isEmpty || !waitingOthers.isEmpty else { break }
            let key = waitingMasters.isEmpty ? waitingOthers.removeFirst() : waitingMasters.removeFirst()
            underWay.insert(key)
            begun.append(key)
        }
        return begun
    }
}

extension BrowseScope {
    /// The browser that shows all of them.
    var source: Lookups.Source { self == .everyone ? .everyone : .masters }
}
