"""Which tables have more to show than themselves. To give a table a reading and pictures, add a row here."""

from __future__ import annotations

from experiments.report import (
    algorithms,
    algorithms_plot,
    best,
    best_plot,
    clients,
    clients_plot,
    control_plane,
    control_plane_plot,
    cost,
    cost_plot,
    crowd,
    crowd_plot,
    dataplane,
    dataplane_plot,
    disruption,
    disruption_plot,
    distinguish,
    distinguish_plot,
    failover,
    failover_plot,
    feedback,
    feedback_plot,
    forward_proxy,
    forward_proxy_plot,
    growth,
    growth_plot,
    hot_spots,
    hot_spots_plot,
    ladder,
    ladder_plot,
    latency_plot,
    mobile,
    mobile_plot,
    packets,
    packets_plot,
    placement,
    placement_plot,
    proxy,
    proxy_plot,
    reverse_proxy,
    reverse_proxy_plot,
    scale,
    scale_plot,
    steering,
    steering_plot,
    verdicts,
    verdicts_plot,
)
from experiments.report import algorithms_speed as speed
from experiments.report import algorithms_speed_plot as speed_plot
from experiments.report import plain as plain_table
from experiments.report.section import Picture, Section
from experiments.report.wording import capital

SECTIONS: dict[str, Section] = {
    "ladder": Section("What can each layer spread?", ladder.read, (
        Picture("Who serves: each layer in each client situation",
                "A bar is all requests of a cell, a part of it one server’s share. Below it: how many of the servers "
                "served, and how many units the balancer moved. On tinted paper spreading is predicted.",
                ladder_plot.draw),
    )),
    "distinguish": Section("What can each layer tell apart?", distinguish.read, (
        Picture("What each layer can send by",
                "Filled: every request went where it was wished to go. Below the answer: how many did.",
                distinguish_plot.draw),
    )),
    "cost": Section("What does each step up cost?", cost.read, (
        Picture("Speed, as a part of plain switching’s",
                "A bar is the median of interleaved rounds, a whisker goes from the lowest round to the highest.",
                cost_plot.draw_ratios),
        Picture("CPU for 1,000 requests", "Milliseconds of CPU time, by who spent them.", cost_plot.draw_cpu),
    )),
    "crowd": Section("A crowd: how is it spread, and who remembers it?", crowd.read, (
        Picture("Who serves the crowd", "A bar is all that was sent, a part of it one server’s share.",
                crowd_plot.draw_shares),
        Picture("What the switch had to remember",
                "Flow entries that the crowd left in the switch, and packets that went to the controller.",
                crowd_plot.draw_memory),
    )),
    "algorithms": Section("Which algorithm answers soonest?", algorithms.read, (
        Picture("How soon 95 of 100 requests were answered",
                "A bar is p95, from when a request was meant to begin; each case has a scale of its own. Green is the "
                "quickest of its layer.",
                algorithms_plot.draw_latency),
        Picture("Who served", "A bar is all requests of a cell, a part of it one server’s share.",
                algorithms_plot.draw_shares),
    )),
    "best": Section("Who is best, and by how much?", best.read, (
        Picture("Round robin’s p95, as times the best one’s",
                "A bar goes from the best to the median of the rounds, a whisker from the lowest to the highest. "
                "Coloured: behind in every round.",
                best_plot.draw),
    )),
    "failover": Section("A server dies: who notices?", failover.read, (
        Picture("Who noticed, how soon, and what was lost",
                "Filled: noticed, after so many seconds. Outlined: not noticed before it was put right. The line is "
                "the part of requests that was lost.",
                failover_plot.draw),
    )),
    "algorithms_speed": Section("How long does a choice take, and how does it grow?", speed.read, (
        Picture("A unit’s time, from few servers to many",
                "A line is an algorithm, a dot a number of servers; each mark to the right is ten times as long.",
                speed_plot.draw),
    )),
    "steering": Section("Slots that follow the load: do they settle, and where?", steering.read),
    "steering_course": Section("How does the slow server’s share go?", steering.read_course, (
        Picture("What the slow server is given",
                "A line is a way to decide; the middle mark is an even share.", steering_plot.draw),
    )),
    "scale": Section("One large server, or many small ones: who answers sooner?", scale.read, (
        Picture("How soon 95 of 100 requests were answered, at equal load for each worker",
                "A line is a way to have so many workers; dashes are what theory says of it.",
                scale_plot.draw_response),
    )),
    "scale_power": Section("What do they do, when they are asked for more than they can?", scale.read_power, (
        Picture("What so many workers do", "In workers that nobody hinders.", scale_plot.draw_power),
    )),
    "prices": Section("What does a core cost?", scale.read_prices, (
        Picture("A core’s price, by how many there are in one", "From price lists: nothing of it was measured.",
                scale_plot.draw_prices),
    )),
    "balancer_limit": Section("Where does the balancer become the limit?", scale.read_limits, (
        Picture("New connections a second, to servers that take no time",
                "A bar is the median of the rounds, a whisker their range; beside the way stands how many servers.",
                scale_plot.draw_limits),
    )),
    "scale_latency": Section("And all the other percentiles?", scale.read_latency, (
        Picture("The whole distribution of the response time",
                "To the right, percentiles, each nine as wide as the one before; upwards, time.", latency_plot.draw),
    )),
    "feedback": Section("Tests, or a fixed ratio?", feedback.read, (
        Picture("How soon, and how far shares swing",
                "A bar is p95, and beside it how far the largest server’s share goes from its weight, as times what "
                "chance does.", feedback_plot.draw),
    )),
    "feedback_course": Section("How does a share swing?", feedback.read_course, (
        Picture("What the largest server is given", "A strip is a way to choose. At the dashes the server slows down.",
                feedback_plot.draw_course),
    )),
    "feedback_latency": Section("And all the other percentiles?", feedback.read_latency, (
        Picture("The whole distribution of the response time",
                "To the right, percentiles, each nine as wide as the one before; upwards, time.", latency_plot.draw),
    )),
    "dataplane": Section("How near to plain switching is each realisation?", dataplane.read, (
        Picture("Beside plain switching, and what must be reached",
                "A bar is the median of interleaved rounds, a whisker goes from the lowest round to the highest. For "
                "latency less is better.",
                dataplane_plot.draw),
    )),
    "growth": Section("How do hashed and tracked services grow?", growth.read, (
        Picture("New connections, as a part of plain switching’s",
                "A dot is the median, a stroke through it the range of the rounds.", growth_plot.draw_ratio),
        Picture("Time to install, in milliseconds",
                "From the controller’s word that the switch is here until the last service is ready.",
                growth_plot.draw_install),
        Picture("Rules in the switch", "Of our services; beside them each has one group, of 256 buckets.",
                growth_plot.draw_rules),
        Picture("Verdicts that the datapath has cached", "Flows of the datapath after the load, of all kinds.",
                growth_plot.draw_flows),
    )),
    "proxy": Section("How near to nginx does a proxy in Python come?", proxy.read, (
        Picture("What is reached of what must be",
                "A bar is the median of interleaved rounds, a whisker goes from the lowest round to the highest. What "
                "must be reached is 1 for every figure, and more is better.",
                proxy_plot.draw),
    )),
    "forward": Section("How near to Squid does a forward proxy in Python come?", proxy.read, (
        Picture("What is reached of what must be",
                "A bar is the median of interleaved rounds, a whisker goes from the lowest round to the highest. What "
                "must be reached is 1 for every figure, and more is better. tinyproxy keeps no connection, so each of "
                "its requests has a new one; all others keep theirs.",
                proxy_plot.draw),
    )),
    "placement": Section("Where may a proxy stand, and who shares its fate?", placement.read, (
        Picture("Latency, while all is well", "The bar goes to p50, the stroke on to p95.",
                placement_plot.draw_latency),
        Picture("Requests that were lost while a proxy was dead",
                "Filled: the part of all requests that got no answer. Below it: the same, of requests made when the "
                "death should have been noticed.", placement_plot.draw_lost),
    )),
    "disruption": Section("A pool changes: who is moved without need?", disruption.read, (
        Picture("What part of connections was taken from a server that was there",
                "A bar is that part of all, from nothing to the whole box. Below the figure: how many connections "
                "broke, those that ended with their server included.",
                disruption_plot.draw),
    )),
    "clients": Section("IP hash: does a client stay with its server?", clients.read, (
        Picture("Whom clients met after each event",
                "A bar is all clients, a part of it those that met one server. Beside it: what part of the clients "
                "whose server was there met another one than before.",
                clients_plot.draw),
    )),
    "hot_spots": Section("Does a server become a hot spot?", hot_spots.read, (
        Picture("What the fullest server had, as times its fair share",
                "A dot is the mean of the rounds, a stroke goes from the lowest to the highest. A diamond is what "
                "balls in bins say. Right of the dashed line a server is called a hot spot.",
                hot_spots_plot.draw),
    )),
    "control_plane": Section("What does the controller do for a new connection?", control_plane.read, (
        Picture("CPU as the load grows", "Percent of one core, at so many new connections a second.",
                control_plane_plot.draw),
    )),
    "wire": Section("What can be read, on either side of the proxy?", reverse_proxy.reader("wire"), (
        Picture("What TCP carried", "A bar is all bytes that were seen on that side.", reverse_proxy_plot.draw_wire),
    )),
    "passing": Section("What passes through the proxy, and who is seen behind it?", reverse_proxy.reader("passing")),
    "hidden": Section("What does each side learn of the other?", reverse_proxy.reader("hidden")),
    "by_content": Section("Whose request is it?", reverse_proxy.reader("by_content")),
    "caching": Section("What does the cache save?", reverse_proxy.reader("caching"), (
        Picture("Pages that servers had to make", "Outlined: requests. Filled: what reached a server.",
                reverse_proxy_plot.draw_caching),
    )),
    "connections": Section("Which connections and handshakes are saved?", reverse_proxy.reader("connections"), (
        Picture("What the same requests took", "By how clients come: in one connection, in one for each request, or in "
                "one for each that resumes a TLS session.", reverse_proxy_plot.draw_connections),
    )),
    "certificates": Section("Who has a certificate?", reverse_proxy.reader("certificates")),
    "verdicts": Section("What came of the claims?", verdicts.reading, (
        Picture("The figures beside the rules",
                "A dot is what was measured, its line where that lies with 95 % confidence; the dashed line is the "
                "rule’s bound. Each claim has a scale of its own.",
                verdicts_plot.draw),
    )),
    "packets": Section("What is rewritten, hop by hop?", packets.read, (
        Picture("Fields of a request and of its answer, from link to link",
                "Filled: it was another behind that hop than before it. Red: not as it should be.",
                packets_plot.draw_rewritten),
    )),
    "malformed": Section("What becomes of packets that are wrong?", packets.read_malformed, (
        Picture("What the switch did, and who was answered",
                "Passed: to one host. Flooded: to all. A dot: somebody answered; on grey, the switch itself.",
                packets_plot.draw_fates),
    )),
    "flood": Section("A SYN flood: who has to remember it?", packets.read_flood, (
        Picture("What a flood left, by who has to hold it", "A bar is all rounds’ floods together.",
                packets_plot.draw_flood),
    )),
    "closer": Section("A closer look: which rules, which packets?", packets.read_closer),
    "mobile": Section("A client moves: who keeps its session?", mobile.read, (
        Picture("Which part of sessions was kept", "A mark: what theory expects of clients that moved.",
                mobile_plot.draw),
    )),
    "canary": Section("Does a canary get its share, and keep it?", mobile.read_canary),
    "browsing": Section("What does the proxy save, and what is the page time?", forward_proxy.reader("browsing"), (
        Picture("What reached origins, and crossed the edge", "Of the same trace, by each way.",
                forward_proxy_plot.draw_saved),
        Picture("Page time", "From asking to the last object’s last byte. A stroke goes from the lowest round to the "
                "highest.", forward_proxy_plot.draw_times),
    )),
    "greedy": Section("One is greedy: what do the others get?", forward_proxy.reader("greedy"), (
        Picture("The others’ page time", "A stroke goes from the lowest round to the highest.",
                forward_proxy_plot.draw_times),
        Picture("Whose bytes they were", "A bar is all that clients got. Filled: what the greedy one got.",
                forward_proxy_plot.draw_shares),
    )),
    "learned": Section("What does each side learn of the other, by a forward proxy?", forward_proxy.reader("learned")),
    "evidence": Section("What is in the packets at both ends?", forward_proxy.reader("evidence")),
    "blocked": Section("What do rules stop, and what does the user see?", forward_proxy.reader("blocked")),
    "filtered": Section("What do filters stop or change?", forward_proxy.reader("filtered")),
    "without_controller": Section("And if the controller is gone?", control_plane.read_stranded),
}  # fmt: skip


def section_of(table: str) -> Section:
    """The table's own section, or a plain one."""
    return SECTIONS.get(table) or Section(capital(table.replace("_", " ")), plain_table.read)
