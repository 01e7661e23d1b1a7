import Automata

/// Who speaks multicast DNS for us. All calls and all reports are on the loop's thread.
protocol BackEnd: AnyObject {
    /// Reports `running` when it can publish.
    func start() throws(BackEndError)
    /// Looks for others from now on: for masters always.
    func browse(_ scope: BrowseScope)
    /// Browses no more, and watches nobody of those found so far; who is browsed for again is reported anew.
    func forgetAll()
    /// Makes the link show this, until it is withdrawn; called anew for each change.
    func publish(_ publication: Publication)
    /// Takes our service off the link, with goodbyes.
    func withdraw()
    /// Frees everything; goodbyes for what is still published are sent before it returns.
    func stop()
}

/// What a back end saw.
enum BackEndReport {
    /// It can publish; what was given to `publish` before is on its way.
    case running
    case resolved(SightingKey, Sighting)
    /// The text of an instance, new or again; may come before `resolved`, and then says nothing.
    case text(SightingKey, [[UInt8]])
    case removed(SightingKey)
    /// Somebody else holds our label.
    case collision
    /// It works no longer and is to be stopped; what it saw may still be there.
    case lost(String)
}

/// Why a back end could not be started.
struct BackEndError: Error, CustomStringConvertible {
    var message: String
    var description: String { message }
}

/// What both back ends are made with.
struct BackEndSetting {
    var loop: AvahiLoop
    var type: String
    var peer: PeerID
    var interfaces: [String]?
    var recordTTLSeconds: UInt32
    /// Instances that are watched besides those of masters; a flood of names on the link stops here.
    var othersMax: Int
    var report: (BackEndReport) -> Void
    var log: DiscoveryLog
}
