import Automata

extension ChaosRanges {
    /// What a seed drew.
    struct Mix {
        var faults: [ScriptedFault] = []
        var session: Duration?
        var loss = 0.0
        var doubling = 0.0
        var disorder: Duration = .zero
    }

    /// Draws one mix. Every kind is absent from about one run in three, and half of the runs have nothing that excuses a
    /// wrong delivery, so that I8 is held without mercy there.
    ///
    /// - Parameter span: the measured time; everything that is down comes back within it.
    func drawn(seed: UInt64, span: Duration) -> Mix {
        var draw = Draw(seed: seed, "chaos")
        var mix = Mix()
        let isMild = draw.below(2) == 0

        func number(_ range: ClosedRange<Int>) -> Int { draw.below(3) == 0 ? 0 : draw.within(range) }
        func share(_ range: ClosedRange<Double>) -> Double {
            draw.below(3) == 0 ? 0 : draw.within(range).wholeMillionths
        }
        func time(_ range: ClosedRange<Duration>) -> Duration {
            .microseconds(draw.within(range.lowerBound.nanoseconds...range.upperBound.nanoseconds) / 1_000)
        }
        /// Adds so many faults of a kind; the rest of the time stays a bound for what is to end.
        func add(
            _ count: Int, among: Role = .anyone,
            _ make: (_ at: Duration, _ rest: Duration) -> (ScriptedFault.Action, Duration)
        ) {
            for _ in 0..<count {
                let at = time(.zero...span)
                let (action, lasts) = make(at, span - at)
                let role = sparesMasters && action.isForGood ? .machines : among
                mix.faults.append(ScriptedFault(.at(at), action, lasts: lasts, among: role, salt: draw.bits()))
            }
        }

        /// What only whole peers have.
        func addFabric() {
            for (count, role) in [(masterCrashes, Role.masters), (machineCrashes, .machines)] {
                add(number(count), among: role) { _, rest in
                    (.crash(.count(1), back: min(rest, time(away)), disk: true), .zero)
                }
            }
            add(number(hostLosses), among: .machines) { _, rest in
                (.loseMachine(.count(1), back: min(rest, time(away))), .zero)
            }
            if masterLosses.upperBound > 0 {
                add(number(masterLosses), among: .masters) { _, rest in
                    (.loseMachine(.count(1), back: min(rest, time(away))), .zero)
                }
            }
            add(number(fullDisks)) { _, rest in (.fullDisk(.count(1 + draw.below(2))), min(rest, time(lasts))) }
        }

        /// What only replicas have.
        func addReplicas() {
            for (count, role) in [(memberCrashes, Role.members), (primaryCrashes, .primaries)] {
                add(number(count), among: role) { _, rest in
                    let count = draw.below(4) == 0 ? 2 : 1
                    return (.crash(.count(count), back: min(rest, time(away)), disk: true), .zero)
                }
            }
            add(number(memberLosses), among: .members) { _, rest in
                (.loseMachine(.count(1), back: min(rest, time(away))), .zero)
            }
            add(number(amnesia), among: .members) { _, rest in
                (.crash(.count(1), back: min(rest, time(away)), disk: false), .zero)
            }
            add(number(primaryPartitions), among: .primaries) { _, rest in
                (.partition(.count(1), oneWay: draw.below(3) == 0), min(rest, time(lasts)))
            }
            add(number(primaryStalls), among: .primaries) { _, rest in (.stall(.count(1)), min(rest, time(lasts))) }
        }

        add(number(crashes)) { _, rest in
            let back = draw.below(3) == 0 ? nil : min(rest, time(away))
            return (.crash(.count(1), back: back, disk: draw.below(2) == 0), .zero)
        }
        add(number(leaves)) { _, _ in (.leave(.count(1)), .zero) }
        add(number(joins)) { _, rest in (.join(1 + draw.below(8)), min(rest, .seconds(10))) }
        add(number(massFailures)) { _, rest in
            let back = draw.below(2) == 0 ? nil : min(rest, time(away))
            return (.crash(.share(draw.within(massShare).wholeMillionths), back: back, disk: draw.below(2) == 0), .zero)
        }
        add(number(restarts)) { _, _ in
            (
                .restart(
                    .count(2 + draw.below(6)), every: .seconds(Int64(2 + draw.below(20))), graceful: draw.below(2) == 0),
                .zero
            )
        }
        add(number(stalls)) { _, rest in (.stall(.count(1 + draw.below(3))), min(rest, time(lasts))) }
        let cuts = (number(partitions), number(oneWayPartitions), number(slowLinks))
        let lost = share(loss)
        if !isMild {
            add(cuts.0) { _, rest in
                (.partition(.share((0.1 + 0.4 * draw.unit()).wholeMillionths), oneWay: false), min(rest, time(lasts)))
            }
            add(cuts.1) { _, rest in (.partition(.count(1 + draw.below(4)), oneWay: true), min(rest, time(lasts))) }
            add(cuts.2) { _, rest in
                (.slow(.count(1 + draw.below(5)), factor: 2 + draw.below(40)), min(rest, time(lasts)))
            }
            mix.loss = lost
        }
        mix.doubling = share(doubling)
        mix.disorder = draw.below(3) == 0 ? .zero : time(disorder)
        if let session, draw.below(3) > 0 { mix.session = time(session) }
        addFabric()
        addReplicas()
        // A fault of no length would never end.
        mix.faults = mix.faults.filter { fault in
            switch fault.action {
            case .partition, .slow, .stall, .fullDisk: fault.lasts > .zero
            case .crash, .loseMachine, .leave, .join, .restart, .loss, .doubling, .disorder: true
            }
        }
        return mix
    }
}

extension ScriptedFault.Action {
    /// Whether somebody goes and does not come back, or not with what was on its disk.
    fileprivate var isForGood: Bool {
        switch self {
        case .crash(_, let back, let disk): back == nil || !disk
        case .loseMachine(_, let back): back == nil
        case .leave: true
        case .join, .restart, .partition, .slow, .stall, .fullDisk, .loss, .doubling, .disorder: false
        }
    }
}
