#!/usr/bin/python3
"""BonjourGrid as a coloured Petri net: the drawing that its readers expect, explored marking by marking with SNAKES.

The protocol is that of bonjourgrid.pml, smaller and without time: an independent second verdict. Machines are the
colours 0, 1, ..., computing elements are 'a', 'b', ...; an element has one passive copy of its coordinator at most,
which one of its workers keeps.

    Specs/bonjourgrid/net.py                      explores; prints `holds` or the broken property, and how many markings
    Specs/bonjourgrid/net.py --mistake obedient   with a seeded mistake, which must be found
    Specs/bonjourgrid/net.py --draw dot|svg       the net (svg needs Debian's graphviz)

Properties, by the names of bonjourgrid.pml: ONE_COORDINATOR, ONE_HEAD, ENDED_NOT_FAILED, KEPT_ON_FAILURE, I4_progress,
NO_DEADLOCK; and of the net itself: HOME (from every marking the end can be reached, where all machines are idle and all
elements have ended) and REACHED (every place is marked somewhere, and every transition fires).

A net of BonjourGrid was first drawn and explored by Abidi, Cérin and Evangelista (SCC 2011); this one is our own.
"""
import argparse
import hashlib
import os
import subprocess
import sys
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = os.path.normpath(os.path.join(HERE, "..", "..", ".build", "snakes"))  # where --install puts SNAKES
sys.path.insert(0, LIBRARY)

Place = namedtuple("Place", "name tokens meaning")
# An arc's kind: `take` and `put` move tokens, `read` looks at one and leaves it.
Arc = namedtuple("Arc", "kind place text")
Transition = namedtuple("Transition", "name arcs guard", defaults=[None])


def take(place, text):
    return Arc("take", place, text)


def read(place, text):
    return Arc("read", place, text)


def put(place, text):
    return Arc("put", place, text)


# --- The net -----------------------------------------------------------------------------------------------------

DOT = "."  # a token without colour


def places(machines, elements, workers, faults):
    """All places with their first tokens."""
    return [
        Place("idle", machines, "m publishes its idle service"),
        Place("worker", [], "w works for e, whose coordinator it takes c for"),
        Place("coordinator", [], "m coordinates e"),
        Place("deposed", [], "m coordinated e, was cut off, and has not heard of its successor"),
        Place("copy", [], "w, a worker, keeps a copy of the state of e"),
        Place("seen", machines, "m was seen idle: views are as old as one likes"),
        Place("invitation", [], "c invites w to work for e"),
        Place("asked", elements, "e has no coordinator yet, or no more"),
        Place("failed", [], "the coordinator of e has failed"),
        Place("ended", [], "e has ended: the flag"),
        Place("wanted", [e for e in elements for _ in range(workers)], "e has room for a worker"),
        Place("no copy", elements, "nobody keeps a copy of e"),
        Place("fault", [DOT] * faults, "something may still fail"),
    ]


def transitions(mistake=None):
    """All transitions, or those with a seeded mistake (MISTAKES)."""
    net = [
        # A user's machine becomes coordinator: it withdraws its idle service.
        Transition("begin", [take("asked", "e"), take("idle", "m"), put("coordinator", "(e, m)")]),
        # Coordinators invite by what they have seen; the machine decides.
        Transition("invite", [read("coordinator", "(e, c)"), read("seen", "w"), take("wanted", "e"),
                              put("invitation", "(e, c, w)")], "w != c"),
        Transition("accept", [take("invitation", "(e, c, w)"), take("idle", "w"), put("worker", "(e, c, w)")]),
        Transition("refuse as worker", [take("invitation", "(e, c, w)"), read("worker", "(f, d, w)"),
                                        put("wanted", "e")]),
        Transition("refuse as coordinator", [take("invitation", "(e, c, w)"), read("coordinator", "(f, w)"),
                                             put("wanted", "e")]),
        # Passive replication.
        Transition("make a copy", [read("coordinator", "(e, c)"), read("worker", "(e, c, w)"), take("no copy", "e"),
                                   put("copy", "(e, w)")]),
        Transition("fail", [take("fault", "x"), take("coordinator", "(e, m)"), put("failed", "e"), put("idle", "m")]),
        Transition("take over", [take("failed", "e"), take("copy", "(e, w)"), take("worker", "(e, c, w)"),
                                 put("coordinator", "(e, w)"), put("no copy", "e"), put("wanted", "e")]),
        Transition("redirect", [take("worker", "(e, c, w)"), read("coordinator", "(e, d)"), put("worker", "(e, d, w)")],
                   "c != d"),
        # Cut off, not dead: the copy takes over, and the coordinator learns of it later.
        Transition("depose", [take("fault", "x"), take("coordinator", "(e, m)"), take("copy", "(e, w)"),
                              take("worker", "(e, c, w)"), put("coordinator", "(e, w)"), put("deposed", "(e, m)"),
                              put("no copy", "e"), put("wanted", "e")]),
        Transition("step down", [take("deposed", "(e, m)"), put("idle", "m")]),
        # Nobody can take over: the element is asked for anew, and leases of its workers end.
        Transition("ask anew", [take("failed", "e"), read("no copy", "e"), put("asked", "e")]),
        Transition("lease ends", [take("worker", "(e, c, w)"), read("asked", "e"), put("idle", "w"),
                                  put("wanted", "e")]),
        # The end: the flag, then the goodbye; workers see it and go idle, whatever is left of the element goes, too.
        Transition("end", [take("coordinator", "(e, m)"), put("ended", "e"), put("idle", "m")]),
        Transition("release", [take("worker", "(e, c, w)"), read("ended", "e"), put("idle", "w"), put("wanted", "e")]),
        Transition("drop the copy", [take("copy", "(e, w)"), read("ended", "e"), put("no copy", "e")]),
        Transition("lapse", [take("invitation", "(e, c, w)"), read("ended", "e"), put("wanted", "e")]),
        # Faults stop.
        Transition("calm", [take("fault", "x")]),
    ]
    return MISTAKES[mistake][1](net) if mistake else net


def without(name):
    return lambda net: [t for t in net if t.name != name]


def also(name, arcs, guard=None):
    return lambda net: net + [Transition(name, arcs, guard)]


def instead(name, arcs, guard=None):
    return lambda net: [Transition(name, arcs, guard) if t.name == name else t for t in net]


MISTAKES = {
    "obedient": ("a worker accepts another invitation", also("accept as worker", [
        take("invitation", "(e, c, w)"), read("worker", "(f, d, w)"), put("worker", "(e, c, w)")])),
    "still-published": ("a coordinator does not withdraw its machine's idle service", instead("begin", [
        take("asked", "e"), read("idle", "m"), put("coordinator", "(e, m)")])),
    "two-heads": ("a failure is still known after a copy has taken over", instead("take over", [
        read("failed", "e"), take("copy", "(e, w)"), take("worker", "(e, c, w)"), put("coordinator", "(e, w)"),
        put("no copy", "e"), put("wanted", "e")])),
    "goodbye-is-failure": ("a copy takes the goodbye of a coordinator that has ended for its failure", also("revive", [
        take("ended", "e"), take("copy", "(e, w)"), take("worker", "(e, c, w)"), put("coordinator", "(e, w)"),
        put("no copy", "e"), put("wanted", "e")])),
    "failure-is-end": ("a worker goes idle when its coordinator fails", also("release on failure", [
        take("worker", "(e, c, w)"), read("failed", "e"), put("idle", "w"), put("wanted", "e")])),
    "no-retry": ("a machine that has refused once is never replaced by another", instead("refuse as worker", [
        take("invitation", "(e, c, w)"), read("worker", "(f, d, w)")])),
    "no-release": ("workers do not hear of the end", without("release")),
    "no-step-down": ("a deposed coordinator never hears of its successor", without("step down")),
    "all-or-nothing": ("an element does not end without a worker", instead("end", [
        take("coordinator", "(e, m)"), read("worker", "(e, m, w)"), put("ended", "e"), put("idle", "m")])),
    "no-copies": ("no copies are made", without("make a copy")),
    "no-takeover": ("nobody takes the place of a coordinator that has failed", without("take over")),
}


# --- Exploring -----------------------------------------------------------------------------------------------------

MARKINGS_MAX = 50_000


class Broken(Exception):
    """A property does not hold: its name, and where."""


def snakes_net(net_places, net_transitions):
    """The net as SNAKES knows it."""
    from snakes import nets

    def label(arcs):
        labels = [nets.Tuple([nets.Variable(name.strip()) for name in arc.text[1:-1].split(",")])
                  if arc.text.startswith("(") else nets.Variable(arc.text) for arc in arcs]
        return labels[0] if len(labels) == 1 else nets.MultiArc(labels)

    net = nets.PetriNet("BonjourGrid")
    for place in net_places:
        net.add_place(nets.Place(place.name, place.tokens))
    for transition in net_transitions:
        name = "to " + transition.name  # in SNAKES no place and transition may share a name
        net.add_transition(nets.Transition(name, nets.Expression(transition.guard or "True")))
        for place in dict.fromkeys(arc.place for arc in transition.arcs):
            arcs = [arc for arc in transition.arcs if arc.place == place]
            kinds = {arc.kind for arc in arcs}
            if "put" in kinds:
                net.add_output(place, name, nets.Expression(next(arc.text for arc in arcs if arc.kind == "put")))
            if kinds != {"put"}:
                inputs = label([arc for arc in arcs if arc.kind != "put"])
                net.add_input(place, name, nets.Test(inputs) if "read" in kinds else inputs)
    return nets.StateGraph(net)


class Explorer:
    """Goes through all markings, breadth first, and raises Broken at the first that breaks a property."""

    def __init__(self, net_places, net_transitions, machines, elements, workers):
        self.places, self.transitions = net_places, net_transitions
        self.machines, self.elements, self.workers = machines, elements, workers
        self.graph = snakes_net(net_places, net_transitions)
        self.count = 0
        self.successors = {}

    def explore(self):
        fired, marked, ends = set(), set(), []
        for state in self.graph:
            self.count += 1
            if self.count > MARKINGS_MAX:
                raise Broken("UNBOUNDED", f"more than {MARKINGS_MAX} markings")
            tokens = self.tokens(state)
            steps = [(transition.name[3:], mode, after) for after, transition, mode in self.graph.successors()]
            self.successors[state] = [after for _, _, after in steps]
            self.check_marking(tokens, steps)
            for name, mode, after in steps:
                self.check_step(tokens, name, mode, self.tokens(after))
            fired.update(name for name, _, _ in steps)
            marked.update(place for place, found in tokens.items() if found)
            if not steps:
                self.check_end(tokens)
                ends.append(state)
        self.check_home(ends)
        never = [f"'{it.name}' never fires" for it in self.transitions if it.name not in fired]
        never += [f"'{it.name}' is never marked" for it in self.places if it.name not in marked]
        if never:
            raise Broken("REACHED", never[0])

    def tokens(self, state):
        marking = self.graph[state]
        return {place.name: sorted(marking.get(place.name, [])) for place in self.places}

    def check_marking(self, tokens, steps):
        roles = tokens["idle"] + [w for _, _, w in tokens["worker"]]
        roles += [m for _, m in tokens["coordinator"] + tokens["deposed"]]
        if sorted(roles) != self.machines:
            raise Broken("ONE_COORDINATOR", f"machines with a role are {sorted(roles)} in {tokens}")
        heads = tokens["asked"] + tokens["failed"] + tokens["ended"] + [e for e, _ in tokens["coordinator"]]
        if sorted(heads) != self.elements:
            raise Broken("ONE_HEAD", f"elements that are led, or known not to be, are {sorted(heads)} in {tokens}")
        # What a coordinator lacks it can ask for, of every other machine that is idle.
        invited = {(mode["e"], mode["w"]) for name, mode, _ in steps if name == "invite"}
        for e, _ in tokens["coordinator"]:
            found = sum(token[0] == e for token in tokens["worker"] + tokens["invitation"])
            for w in tokens["idle"] if found < self.workers else []:
                if (e, w) not in invited:
                    raise Broken("I4_progress", f"{e} lacks a worker and cannot ask the idle machine {w} in {tokens}")

    def check_step(self, before, name, mode, after):
        if not set(before["ended"]) <= set(after["ended"]):
            raise Broken("ENDED_NOT_FAILED", f"'{name}' with {mode} undoes an end")
        for e, _, w in before["worker"]:
            is_freed = w in after["idle"] and w not in before["idle"]
            if is_freed and e not in before["ended"] and (e not in before["asked"] or e not in before["no copy"]):
                raise Broken("KEPT_ON_FAILURE", f"'{name}' with {mode} frees a worker of {e}, which goes on")

    def check_end(self, tokens):
        if tokens["idle"] != self.machines or tokens["ended"] != self.elements:
            raise Broken("NO_DEADLOCK", f"nothing can happen in {tokens}")

    def check_home(self, ends):
        """There is one end, and it can be reached from everywhere."""
        before = {}
        for state, successors in self.successors.items():
            for after in successors:
                before.setdefault(after, []).append(state)
        reached, waiting = set(ends), list(ends)
        while waiting:
            for state in before.get(waiting.pop(), []):
                if state not in reached:
                    reached.add(state)
                    waiting.append(state)
        lost = [state for state in self.successors if state not in reached]
        if lost or len(ends) != 1:
            where = f"no way leads there from {self.tokens(lost[0])}" if lost else "it should be one"
            raise Broken("HOME", f"{len(ends)} ends; {where}")


# --- Drawing -------------------------------------------------------------------------------------------------------

ROLES = {"idle", "worker", "coordinator"}
# Drawn small beside each transition that has to do with them, as one place that stands in many spots.
COUNTERS = {"wanted", "no copy", "seen", "fault"}


def dot(net_places, net_transitions):
    """The net in graphviz's language; the same net gives the same text. Dashed: a token is read and stays."""
    lines = [
        "digraph BonjourGrid {",
        '  graph [rankdir=LR, nodesep=0.2, ranksep=0.45, fontname="sans-serif"];',
        '  node [fontname="sans-serif", fontsize=12]; edge [fontname="sans-serif", fontsize=9, arrowsize=0.7];',
    ]
    labels = {place.name: place.name + ("\\n{" + ", ".join(map(str, place.tokens)) + "}" if place.tokens else "")
              for place in net_places}
    for place in net_places:
        if place.name not in COUNTERS:
            style = ', style=filled, fillcolor="#dbe9f6", penwidth=1.6, fontsize=14' if place.name in ROLES else ""
            lines.append(f'  "p {place.name}" [label="{labels[place.name]}", tooltip="{place.meaning}"{style}];')
    for transition in net_transitions:
        this = f'"t {transition.name}"'
        label = transition.name + (f"\\n[{transition.guard}]" if transition.guard else "")
        lines.append(f'  {this} [shape=box, height=0.3, label="{label}"];')
        for arc in transition.arcs:
            place, style = f'"p {arc.place}"', ""
            if arc.place in COUNTERS:
                place = f'"p {arc.place} of {transition.name}"'
                lines.append(f'  {place} [label="{labels[arc.place]}", color="#888888", fontcolor="#666666", '
                             "fontsize=8, height=0.2, width=0.3, margin=0.02];")
                style = ', color="#888888"'
            style += ", style=dashed, arrowhead=none" if arc.kind == "read" else ""
            ends = f"{this} -> {place}" if arc.kind == "put" else f"{place} -> {this}"
            lines.append(f'  {ends} [label="{arc.text}"{style}];')
    return "\n".join(lines + ["}", ""])


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def svg(text):
    """The drawing, with the digest of what it shows, so that an old one is noticed."""
    try:
        drawn = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        sys.exit("error: graphviz is not installed; on Debian: apt-get install graphviz")
    return drawn.rstrip() + f"\n<!-- drawn from {digest(text)} -->\n"


# --- The command ---------------------------------------------------------------------------------------------------


def has_snakes():
    try:
        import snakes.nets  # noqa: F401
    except ImportError:
        return False
    return True


def install():
    """Gets SNAKES from PyPI, unless it is there."""
    if has_snakes():
        return
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                           "--root-user-action=ignore", "--no-deps", "--require-hashes", "--upgrade",
                           "--target", LIBRARY, "--requirement", os.path.join(HERE, "requirements.txt")])
    if done.returncode:
        sys.exit("error: pip could not install SNAKES; its own words stand above\n"
                 "       it needs PyPI, and pip; on Debian: apt-get install --no-install-recommends python3-pip")


def main():
    parser = argparse.ArgumentParser(
        description="BonjourGrid as a coloured Petri net: prints 'holds' or the broken property, and the markings.")
    parser.add_argument("--machines", type=int, default=3, help="3 unless told")
    parser.add_argument("--elements", type=int, default=2, help="computing elements; 2 unless told")
    parser.add_argument("--workers", type=int, default=1, help="that each element wants; 1 unless told")
    parser.add_argument("--faults", type=int, default=1, help="failures and cuts, together; 1 unless told")
    parser.add_argument("--mistake", choices=sorted(MISTAKES), help="seed this one")
    parser.add_argument("--draw", choices=["dot", "svg"], help="print the net instead (svg: by graphviz)")
    parser.add_argument("--drawing", metavar="FILE", help="check that FILE is a drawing of this net instead")
    parser.add_argument("--installed", action="store_true", help="end with 0 when SNAKES can be loaded, else with 1")
    parser.add_argument("--install", action="store_true", help="get SNAKES into .build/snakes, unless it is there")
    options = parser.parse_args()
    machines, elements = list(range(options.machines)), [chr(ord("a") + i) for i in range(options.elements)]
    net = places(machines, elements, options.workers, options.faults), transitions(options.mistake)
    if options.installed:
        sys.exit(0 if has_snakes() else 1)
    elif options.install:
        install()
    elif options.draw:
        print(dot(*net) if options.draw == "dot" else svg(dot(*net)), end="")
    elif options.drawing:
        with open(os.path.join(HERE, options.drawing), encoding="utf-8") as file:
            print("holds" if digest(dot(*net)) in file.read() else "OUTDATED", 0)
    elif not has_snakes():
        sys.exit("error: SNAKES is not installed; Specs/bonjourgrid/net.py --install gets it from PyPI")
    else:
        explorer = Explorer(*net, machines, elements, options.workers)
        try:
            explorer.explore()
            name = "holds"
        except Broken as broken:
            name, where = broken.args
            print(where, file=sys.stderr)
        print(name, explorer.count)


main()
