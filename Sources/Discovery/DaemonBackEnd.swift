import Automata
import CAvahi

/// The host's avahi-daemon, over the system D-Bus.
///
/// The host's name and addresses are the daemon's affair; ours are the service's records, added raw, because only so
/// they are published without probing and with a time to live of our choice. A changed TXT goes through the daemon's
/// own update, which gives it 75 minutes; harmless, since an instance is gone with its PTR record.
///
/// When the daemon goes, every object made through it is void: `lost` is reported, and a new back end is made, which
/// waits for the daemon to return (`AVAHI_CLIENT_NO_FAIL`).
final class DaemonBackEnd: BackEnd {
    private let setting: BackEndSetting
    private let avahi: PalmierAvahiClient
    private let records: ServiceRecords
    private let ledgerRecords: ServiceRecords?
    private var client: OpaquePointer?
    private var isRunning = false
    private var isLost = false
    private var scope: BrowseScope?
    private var browsers: [Lookups.Source: [OpaquePointer]] = [:]
    private var lookups: Lookups
    private var resolvers: [SightingKey: OpaquePointer] = [:]
    private var retries = Retries()
    private var textBrowsers = TextBrowsers()
    private var whereabouts = Whereabouts()
    private var wanted: Publication?
    private var published: Publication?
    private var serviceGroup: OpaquePointer?
    private var subtypeGroups: [String: OpaquePointer] = [:]
    private var ledgerGroups: [LinkService: OpaquePointer] = [:]
    private var addressWatch: AddressWatch?
    /// Where the registered records are; `AVAHI_IF_UNSPEC` alone for everywhere.
    private var places: [AvahiIfIndex] = []

    init(_ setting: BackEndSetting) throws(BackEndError) {
        self.setting = setting
        avahi = try Self.library()
        records = ServiceRecords(type: setting.type)
        ledgerRecords = LinkService.type(beside: setting.type).map { ServiceRecords(type: $0) }
        lookups = Lookups(othersMax: setting.othersMax)
    }

    /// Whether `org.freedesktop.Avahi` answers on the system bus.
    ///
    /// - Returns: nil when it does; else why not. Blocks for a call over a local socket.
    static func absence() -> String? {
        guard let poll = avahi_simple_poll_new() else { return "no file descriptor or memory is left to ask it" }
        defer { avahi_simple_poll_free(poll) }
        let avahi: PalmierAvahiClient
        do { avahi = try library() } catch { return error.message }
        var error: Int32 = 0
        guard
            let client = avahi.client_new(
                avahi_simple_poll_get(poll), AVAHI_CLIENT_IGNORE_USER_CONFIG, { _, _, _ in }, nil, &error)
        else { return avahiError(error) }
        defer { avahi.client_free(client) }
        return avahi.client_get_state(client) == AVAHI_CLIENT_FAILURE ? avahiError(avahi.client_errno(client)) : nil
    }

    /// libavahi-client; see `client-library.h` for why it is not linked.
    private static func library() throws(BackEndError) -> PalmierAvahiClient {
        let library = UnsafeMutablePointer<PalmierAvahiClient>.allocate(capacity: 1)
        defer { library.deallocate() }
        if let problem = palmier_avahi_client_load(library) {
            throw BackEndError(message: "libavahi-client cannot be loaded: \(String(cString: problem))")
        }
        return library.pointee
    }

    private var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static func from(_ context: UnsafeMutableRawPointer?) -> DaemonBackEnd? {
        context.map { Unmanaged.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: life

    func start() throws(BackEndError) {
        var error: Int32 = 0
        let flags = AvahiClientFlags(
            rawValue: AVAHI_CLIENT_NO_FAIL.rawValue | AVAHI_CLIENT_IGNORE_USER_CONFIG.rawValue)
        guard avahi.client_new(setting.loop.api, flags, onDaemonClient, context, &error) != nil else {
            throw BackEndError(message: "the system D-Bus does not answer (\(avahiError(error)))")
        }
        let watch = AddressWatch(loop: setting.loop) { [unowned self] in register() }
        watch.start()
        addressWatch = watch
    }

    func stop() {
        addressWatch?.stop()
        addressWatch = nil
        retries.cancelAll(setting.loop)
        // Frees browsers, resolvers and groups too; the daemon says goodbye for a client that leaves.
        if let client { avahi.client_free(client) }
        client = nil
        isRunning = false
        browsers = [:]
        lookups.removeAll()
        resolvers = [:]
        textBrowsers.removeAll()
        whereabouts.removeAll()
        forgetPublished()
        wanted = nil
    }

    func onState(_ state: AvahiClientState, of client: OpaquePointer) {
        // The first call comes from within `avahi_client_new`.
        self.client = client
        switch state {
        case AVAHI_CLIENT_S_RUNNING:
            isRunning = true
            browse()
            register()
            setting.report(.running)
        case AVAHI_CLIENT_S_COLLISION, AVAHI_CLIENT_S_REGISTERING:
            // The host's name changes: SRV must point to the new one.
            isRunning = false
            unregister()
        case AVAHI_CLIENT_FAILURE: onFailure(avahiError(avahi.client_errno(client)))
        default: isRunning = false
        }
    }

    // MARK: publishing

    func publish(_ publication: Publication) {
        wanted = publication
        register()
    }

    func withdraw() {
        wanted = nil
        unregister()
    }

    private func unregister() {
        for group in [serviceGroup].compactMap({ $0 }) + subtypeGroups.values + ledgerGroups.values {
            _ = avahi.entry_group_free(group)
        }
        forgetPublished()
    }

    private func forgetPublished() {
        published = nil
        serviceGroup = nil
        subtypeGroups = [:]
        ledgerGroups = [:]
    }

    private func register() {
        guard isRunning, var wanted = self.wanted else { return }
        // The daemon publishes where the host is; the text tells when that changes.
        let addresses = InterfaceAddress.publishable(
            InterfaceAddress.all(), interfaces: setting.interfaces, listening: Listening(at: []))
        wanted.text.append(Whereabouts.mark(Set(addresses), port: wanted.port))
        guard wanted != published else { return }
        if let published, published.label != wanted.label || published.port != wanted.port { unregister() }
        do throws(BackEndError) {
            if let published {
                if published.text != wanted.text { try updateText(wanted) }
            } else {
                places = interfaceIndices()
                serviceGroup = try group(records.all(wanted.service, hostName: try hostName()))
            }
            try refreshSubtypes(wanted)
            try refreshLedgers(wanted)
        } catch {
            setting.log.debug("discovery.publish.failed", ["error": "\(error)", "label": "\(wanted.label)"])
            return unregister()
        }
        published = wanted
    }

    private func refreshLedgers(_ publication: Publication) throws(BackEndError) {
        for (ledger, group) in ledgerGroups where !publication.ledgers.contains(ledger) {
            _ = avahi.entry_group_free(group)
            ledgerGroups[ledger] = nil
        }
        guard let ledgerRecords else { return }
        for ledger in publication.ledgers where ledgerGroups[ledger] == nil {
            ledgerGroups[ledger] = try group(ledgerRecords.all(ledger, hostName: try hostName()))
        }
    }

    private func refreshSubtypes(_ publication: Publication) throws(BackEndError) {
        for (subtype, group) in subtypeGroups where !publication.subtypes.contains(subtype) {
            _ = avahi.entry_group_free(group)
            subtypeGroups[subtype] = nil
        }
        for subtype in publication.subtypes where subtypeGroups[subtype] == nil {
            subtypeGroups[subtype] = try group([records.subtype(subtype, of: publication)])
        }
    }

    private func updateText(_ publication: Publication) throws(BackEndError) {
        var list: UnsafeMutablePointer<AvahiStringList>?
        // Avahi's lists are in reverse: each item is added in front, and the first of them is the last on the wire.
        for string in publication.text {
            list = avahi_string_list_add_arbitrary(list, string, string.count)
        }
        defer { avahi_string_list_free(list) }
        for place in places {
            let status = avahi.entry_group_update_service_txt_strlst(
                serviceGroup, place, AVAHI_PROTO_UNSPEC.asProtocol, AvahiPublishFlags(rawValue: 0), publication.label,
                setting.type, ServiceRecords.domain, list)
            guard status >= 0 else { throw failure("the changed TXT record", status) }
        }
    }

    private func group(_ records: [DNSRecord]) throws(BackEndError) -> OpaquePointer {
        guard let group = avahi.entry_group_new(client, onDaemonGroup, context) else {
            throw failure("a group", avahi.client_errno(client))
        }
        do throws(BackEndError) {
            for record in records { try add(record, to: group, .new) }
            let status = avahi.entry_group_commit(group)
            guard status >= 0 else { throw failure("a group's commit", status) }
            for record in records where record.unique { try add(record, to: group, .update) }
        } catch {
            _ = avahi.entry_group_free(group)
            throw error
        }
        return group
    }

    private func add(_ record: DNSRecord, to group: OpaquePointer, _ manner: DNSRecord.Manner) throws(BackEndError) {
        for place in places {
            let status = avahi.entry_group_add_record(
                group, place, AVAHI_PROTO_UNSPEC.asProtocol, record.flags(manner), record.name,
                UInt16(AVAHI_DNS_CLASS_IN), record.kind.rawValue, setting.recordTTLSeconds, record.data,
                record.data.count)
            guard status >= 0 else { throw failure("the record \(record.name)", status) }
        }
    }

    private func hostName() throws(BackEndError) -> [String] {
        guard let name = avahi.client_get_host_name_fqdn(client) else {
            throw failure("the host's name", avahi.client_errno(client))
        }
        return String(cString: name).split(separator: ".").map(String.init)
    }

    private func failure(_ what: String, _ status: Int32) -> BackEndError {
        BackEndError(message: "\(what) was refused by avahi-daemon (\(avahiError(status)))")
    }

    /// The configured interfaces that exist; all of them when none is configured.
    private func interfaceIndices() -> [AvahiIfIndex] {
        guard let names = setting.interfaces else { return [AVAHI_IF_UNSPEC.asIndex] }
        let addresses = InterfaceAddress.all()
        return names.compactMap { name in addresses.first { $0.interface == name }?.index }
    }

    func onGroupState(_ state: AvahiEntryGroupState) {
        guard state == AVAHI_ENTRY_GROUP_COLLISION else { return }
        setting.loop.schedule(after: .zero) { [weak self] in self?.setting.report(.collision) }
    }

    // MARK: browsing

    func browse(_ scope: BrowseScope) {
        self.scope = scope
        if isRunning { browse() }
    }

    private func browse() {
        guard let scope else { return }
        browse(.masters, onDaemonMasters)
        if scope == .everyone { browse(.everyone, onDaemonEveryone) }
    }

    private func browse(_ source: Lookups.Source, _ callback: AvahiServiceBrowserCallback) {
        guard browsers[source] == nil else { return }
        let made = interfaceIndices().compactMap {
            avahi.service_browser_new(
                client, $0, AVAHI_PROTO_UNSPEC.asProtocol, records.type(of: source), ServiceRecords.domain,
                AvahiLookupFlags(rawValue: 0), callback, context)
        }
        browsers[source] = made.isEmpty ? nil : made
        if made.isEmpty { onFailure("it does not browse for \(setting.type)") }
    }

    func onBrowse(_ event: AvahiBrowserEvent, _ key: SightingKey, _ source: Lookups.Source) {
        switch event {
        // A label without a PeerID is no peer's: nothing is spent on it.
        case AVAHI_BROWSER_NEW where InstanceLabel.peer(of: key.label) != nil:
            resolve(lookups.appeared(key, in: source))
        case AVAHI_BROWSER_REMOVE:
            let (isGone, next) = lookups.disappeared(key, from: source)
            if isGone {
                forget(key)
                setting.report(.removed(key))
            }
            resolve(next)
        default: break
        }
    }

    func forgetAll() {
        for browser in browsers.values.joined() { _ = avahi.service_browser_free(browser) }
        browsers = [:]
        lookups.removeAll()
        for key in textBrowsers.places { forget(key) }
    }

    private func forget(_ key: SightingKey) {
        if let resolver = resolvers.removeValue(forKey: key) { _ = avahi.service_resolver_free(resolver) }
        if let browser = textBrowsers.remove(key) { _ = avahi.record_browser_free(browser) }
        retries.cancel(key, setting.loop)
        whereabouts.removed(key)
    }

    /// What the daemon lets one client have of browsers, resolvers and groups; 1,024, unless its owner has set it otherwise
    /// (avahi-daemon.conf(5)). Some are left for what this peer will publish.
    private static let objectsMax = 1_000

    private var hasRoom: Bool {
        let groups = 1 + subtypeGroups.count + ledgerGroups.count
        let browsing = browsers.values.reduce(0) { $0 + $1.count }
        return groups + browsing + resolvers.count + textBrowsers.count + 2 <= Self.objectsMax
    }

    private func resolve(_ keys: [SightingKey]) {
        var rest = keys
        while let key = rest.popLast() {
            if isRunning, resolvers[key] == nil, !begin(key) { rest += lookups.settled(key) }
        }
    }

    /// - Returns: whether the daemon looks for it; else it is not known by way of the link, and must come by itself.
    private func begin(_ key: SightingKey) -> Bool {
        guard hasRoom,
            let resolver = avahi.service_resolver_new(
                client, key.interface, key.addressFamily, key.label, setting.type, ServiceRecords.domain,
                key.addressFamily, AvahiLookupFlags(rawValue: 0), onDaemonResolver, context)
        else {
            setting.log.debug("discovery.daemon.full", ["label": "\(key.label)"])
            return false
        }
        resolvers[key] = resolver
        textBrowsers.add(key) {
            guard let name = records.fullName(ofForeign: key.label) else { return nil }
            return avahi.record_browser_new(
                client, AVAHI_IF_UNSPEC.asIndex, AVAHI_PROTO_UNSPEC.asProtocol, name, UInt16(AVAHI_DNS_CLASS_IN),
                DNSRecord.Kind.text.rawValue, AvahiLookupFlags(rawValue: 0), onDaemonRecord, context)
        }
        return true
    }

    func onText(_ browser: OpaquePointer?, _ interface: Int32, _ family: Int32, _ text: [[UInt8]]) {
        guard let label = textBrowsers.label(of: browser) else { return }
        for key in whereabouts.heard(label, text) {
            setting.loop.schedule(after: Whereabouts.pause) { [weak self] in
                if let self, textBrowsers.has(key) { resolve(lookups.again(key)) }
            }
        }
        setting.report(.text(SightingKey(interface: interface, addressFamily: family, label: label), text))
    }

    func onResolve(_ key: SightingKey, _ sighting: Sighting?) {
        defer { resolve(lookups.settled(key)) }
        if let sighting {
            retries.cancel(key, setting.loop)
            setting.report(.resolved(key, sighting))
            if whereabouts.resolved(key, sighting.text) { endResolver(key) }
            return
        }
        retries.schedule(key, setting.loop) { [weak self] in
            guard let self, let resolver = resolvers.removeValue(forKey: key) else { return }
            _ = avahi.service_resolver_free(resolver)
            resolve(lookups.again(key))
        }
    }

    /// After the callback that brought its answer.
    private func endResolver(_ key: SightingKey) {
        guard let resolver = resolvers.removeValue(forKey: key) else { return }
        setting.loop.schedule(after: .zero) { [weak self] in
            if let self, client != nil { _ = avahi.service_resolver_free(resolver) }
        }
    }

    /// Reported after the callback that noticed it, because the answer to it frees the client.
    func onFailure(_ reason: String) {
        guard !isLost else { return }
        isLost = true
        isRunning = false
        setting.loop.schedule(after: .zero) { [weak self] in self?.setting.report(.lost(reason)) }
    }
}
