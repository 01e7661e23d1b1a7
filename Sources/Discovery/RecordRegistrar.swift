import CAvahi

/// Puts records on the link through libavahi-core. Made by hand, because only so they have a time to live of our choice.
struct RecordRegistrar {
    let server: OpaquePointer
    /// How long others keep the records without hearing of them.
    var recordTTLSeconds: UInt32
    /// Told of each group's state.
    var onState: AvahiSEntryGroupCallback
    var context: UnsafeMutableRawPointer?

    /// A committed group of `records`.
    ///
    /// - Parameter interface: its index; every one unless said.
    func group(_ records: [DNSRecord], interface: Int32 = AVAHI_IF_UNSPEC.asIndex) throws(BackEndError)
        -> OpaquePointer
    {
        guard let group = avahi_s_entry_group_new(server, onState, context) else { throw failure("a group") }
        do throws(BackEndError) {
            for record in records { try add(record, to: group, .new, interface: interface) }
            guard avahi_s_entry_group_commit(group) >= 0 else { throw failure("a group's commit") }
            for record in records where record.unique { try add(record, to: group, .update, interface: interface) }
        } catch {
            avahi_s_entry_group_free(group)
            throw error
        }
        return group
    }

    func add(
        _ record: DNSRecord, to group: OpaquePointer?, _ manner: DNSRecord.Manner,
        interface: Int32 = AVAHI_IF_UNSPEC.asIndex
    ) throws(BackEndError) {
        guard
            let made = avahi_record_new_full(
                record.name, UInt16(AVAHI_DNS_CLASS_IN), record.kind.rawValue, recordTTLSeconds)
        else { throw BackEndError(message: "there is no memory for the record \(record.name)") }
        defer { avahi_record_unref(made) }
        guard avahi_rdata_parse(made, record.data, record.data.count) >= 0,
            avahi_server_add(
                server, group, interface, AVAHI_PROTO_UNSPEC.asProtocol, record.flags(manner), made) >= 0
        else { throw failure("the record \(record.name)") }
    }

    private func failure(_ what: String) -> BackEndError {
        BackEndError(message: "\(what) was refused by libavahi-core (\(avahiError(avahi_server_errno(server))))")
    }
}
