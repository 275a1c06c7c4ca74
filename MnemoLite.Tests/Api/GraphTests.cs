using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class GraphTests(RunningApplication app)
{
    private const string Missing = "01890000-0000-7000-8000-000000000000";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_is_made_read_changed_and_deleted()
    {
        var made = await app.Client.CreateNodeAsync(
            new() { Type = "person", Label = "Anna", Properties = JsonText.Parse("""{"team": "web", "draft": true}""") }, Cancelled);
        Assert.Equal(7, made.Id.Version);
        var patched = await app.Client.PatchNodeAsync(
            made.Id, new() { Label = "Anna K.", Properties = JsonText.Parse("""{"draft": null, "role": "lead"}""") }, Cancelled);
        Assert.Equal(("person", "Anna K.", """{"role": "lead", "team": "web"}"""), (patched!.Type, patched.Label, patched.Properties.ToString()));
        Assert.Equal(made.CreatedAt, (await app.Client.GetNodeAsync(made.Id, Cancelled))!.CreatedAt);
        Assert.True(await app.Client.DeleteNodeAsync(made.Id, Cancelled));
        Assert.False(await app.Client.DeleteNodeAsync(made.Id, Cancelled));
        Assert.Null(await app.Client.GetNodeAsync(made.Id, Cancelled));
        Assert.Null(await app.Client.PatchNodeAsync(made.Id, new() { Label = "nobody" }, Cancelled));
    }

    [Fact]
    public async Task An_edge_is_made_read_changed_and_deleted()
    {
        var (a, b) = (await NodeAsync("a"), await NodeAsync("b"));
        var made = await app.Client.CreateEdgeAsync(new() { Source = a, Target = b }, Cancelled);
        Assert.Equal("related_to", made.Type);
        var patched = await app.Client.PatchEdgeAsync(made.Id, new() { Type = "knows", Properties = JsonText.Parse("""{"since": 1}""") }, Cancelled);
        Assert.Equal((a, b, "knows", """{"since": 1}"""), (patched!.Source, patched.Target, patched.Type, patched.Properties.ToString()));
        Assert.Equal("knows", (await app.Client.GetEdgeAsync(made.Id, Cancelled))!.Type);
        Assert.True(await app.Client.DeleteEdgeAsync(made.Id, Cancelled));
        Assert.False(await app.Client.DeleteEdgeAsync(made.Id, Cancelled));
        Assert.Null(await app.Client.GetEdgeAsync(made.Id, Cancelled));
        Assert.Null(await app.Client.PatchEdgeAsync(made.Id, new() { Type = "none" }, Cancelled));
    }

    [Fact]
    public async Task Deleting_a_node_deletes_its_edges_and_no_others()
    {
        var (a, b, c) = (await NodeAsync("a"), await NodeAsync("b"), await NodeAsync("c"));
        var (into, outOf, other) = (await EdgeAsync(a, b), await EdgeAsync(b, c), await EdgeAsync(a, c));
        await app.Client.DeleteNodeAsync(b, Cancelled);
        Assert.Null(await app.Client.GetEdgeAsync(into, Cancelled));
        Assert.Null(await app.Client.GetEdgeAsync(outOf, Cancelled));
        Assert.NotNull(await app.Client.GetEdgeAsync(other, Cancelled));
    }

    [Fact]
    public async Task The_same_node_or_edge_can_be_sent_again_but_not_another_of_its_id()
    {
        var node = new { id = Guid.NewGuid(), type = "file", label = "a.cs", properties = new { lines = 3 }, created_at = "2026-01-31T12:00:00Z" };
        Assert.Equal(HttpStatusCode.Created, await PostAsync("/v1/graph/nodes", node));
        Assert.Equal(HttpStatusCode.OK, await PostAsync("/v1/graph/nodes", node));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync("/v1/graph/nodes", node with { label = "b.cs" }));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync("/v1/graph/nodes", node with { created_at = "2026-01-31T13:00:00Z" }));
        Assert.Equal("a.cs", (await app.Client.GetNodeAsync(node.id, Cancelled))!.Label);

        var edge = new { id = Guid.NewGuid(), source = node.id, target = node.id, type = "imports" };
        Assert.Equal(HttpStatusCode.Created, await PostAsync("/v1/graph/edges", edge));
        Assert.Equal(HttpStatusCode.OK, await PostAsync("/v1/graph/edges", edge));
        Assert.Equal(HttpStatusCode.Conflict, await PostAsync("/v1/graph/edges", edge with { type = "calls" }));
    }

    [Fact]
    public async Task Nodes_are_listed_a_page_at_a_time_with_the_edges_among_them()
    {
        var type = Unique();
        var ids = new List<Guid>();
        for (var i = 0; i < 5; i++)
            ids.Add(await NodeAsync($"entry {i}", type));
        var edge = await EdgeAsync(ids[3], ids[4]);
        await EdgeAsync(ids[0], ids[4]);

        var first = await app.Client.ListNodesAsync(type, limit: 2, cancellationToken: Cancelled);
        Assert.Equal(edge, Assert.Single(first.Edges).Data.Id);
        Assert.Equal((2, 1), (first.Stats.TotalNodes, first.Stats.TotalEdges));
        Assert.All(first.Nodes, node => Assert.Null(node.Data.Depth));
        var seen = first.Nodes.Select(node => node.Data.Id).ToList();
        var cursor = first.NextCursor;
        while (cursor is not null)
        {
            var page = await app.Client.ListNodesAsync(type, limit: 2, cursor: cursor, cancellationToken: Cancelled);
            seen.AddRange(page.Nodes.Select(node => node.Data.Id));
            cursor = page.NextCursor;
        }
        Assert.Equal(ids.Order(), seen.Order());
        Assert.Null((await app.Client.ListNodesAsync(type, limit: 5, cancellationToken: Cancelled)).NextCursor);
    }

    [Fact]
    public async Task The_nodes_of_an_event_are_found_and_stay_when_it_is_forgotten()
    {
        var @event = await app.Client.CreateAsync(new() { Content = JsonText.From(new { text = "Anna joined" }) }, Cancelled);
        var node = await app.Client.CreateNodeAsync(
            new() { Type = "person", Label = "Anna", Properties = JsonText.From(new { event_id = @event.Id.ToString().ToUpperInvariant() }) }, Cancelled);
        await app.Client.DeleteAsync(@event.Id, Cancelled);
        var found = await app.Client.ListNodesAsync(eventId: @event.Id, cancellationToken: Cancelled);
        Assert.Equal(node.Id, Assert.Single(found.Nodes).Data.Id);
    }

    [Theory]
    [InlineData("bill serv", "Billing service", "services for billing")]
    [InlineData("BILLING", "Billing service", "services for billing")]
    [InlineData("100%", "100% of it")]
    [InlineData("a_b", @"a_b\c")]
    [InlineData(@"b\c", @"a_b\c")]
    [InlineData("'", "Anna's")]
    [InlineData("nothing like it")]
    [InlineData(" ", "Billing service", "services for billing", "100% of it", @"a_b\c", "Anna's", "acb")]
    public async Task Nodes_are_found_by_parts_of_their_label(string query, params string[] found)
    {
        var type = Unique();
        foreach (var label in new[] { "Billing service", "services for billing", "100% of it", @"a_b\c", "Anna's", "acb" })
            await NodeAsync(label, type);
        var page = await app.Client.ListNodesAsync(type, query: query, cancellationToken: Cancelled);
        Assert.Equal(found.Order(StringComparer.Ordinal), page.Nodes.Select(node => node.Data.Label).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_edges_among_nodes_are_those_with_both_ends_there()
    {
        var (a, b, c) = (await NodeAsync("a"), await NodeAsync("b"), await NodeAsync("c"));
        var (there, back, loop) = (await EdgeAsync(a, b), await EdgeAsync(b, a), await EdgeAsync(a, a));
        await EdgeAsync(b, c);
        var among = await app.Client.ListEdgesAmongAsync([a, b, b, Guid.Parse(Missing)], Cancelled);
        Assert.Equal(new[] { there, back, loop }.Order(), among.Edges.Select(edge => edge.Data.Id).Order());
        Assert.False(among.Truncated);
    }

    [Fact]
    public async Task The_summary_counts_nodes_by_type_and_edges()
    {
        var type = Unique();
        var (a, b) = (await NodeAsync("a", type), await NodeAsync("b", type));
        await EdgeAsync(a, b);
        var summary = await app.Client.GetGraphSummaryAsync(Cancelled);
        Assert.Contains(new NodeTypeCount(type, 2), summary.NodeTypes);
        Assert.Equal(summary.Nodes, summary.NodeTypes.Sum(counted => counted.Count));
        Assert.True(summary.Edges >= 1);
        await app.Client.DeleteNodeAsync(b, Cancelled);
        Assert.Contains(new NodeTypeCount(type, 1), (await app.Client.GetGraphSummaryAsync(Cancelled)).NodeTypes);
    }

    [Fact]
    public async Task Expand_answers_in_the_form_of_Cytoscape()
    {
        var (a, b) = (await NodeAsync("a"), await NodeAsync("b"));
        await EdgeAsync(b, a);
        var json = await app.Http.GetFromJsonAsync<System.Text.Json.JsonElement>($"/api/graph/expand/{a}", Cancelled);
        Assert.Equal(["id", "label", "type", "props", "created_at", "depth"],
            json.GetProperty("nodes")[1].GetProperty("data").EnumerateObject().Select(p => p.Name));
        Assert.Equal(["id", "source", "target", "label", "created_at"],
            json.GetProperty("edges")[0].GetProperty("data").EnumerateObject().Select(p => p.Name));
        Assert.Equal((2, 1, 1), (json.GetProperty("stats").GetProperty("total_nodes").GetInt32(),
            json.GetProperty("stats").GetProperty("total_edges").GetInt32(), json.GetProperty("stats").GetProperty("max_depth").GetInt32()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Walks_agree_with_a_breadth_first_search_in_memory(int seed)
    {
        var random = new Random(seed);
        string[] types = ["knows", "uses"];
        var nodes = new List<Guid>();
        for (var i = 0; i < 25; i++)
            nodes.Add(await NodeAsync($"node {i}"));
        var edges = new List<GraphEdge>(); // self loops, parallel edges and cycles among them
        for (var i = 0; i < 35; i++)
        {
            var again = i % 7 == 6 ? edges[^1] : null;
            edges.Add(await app.Client.CreateEdgeAsync(
                new()
                {
                    Source = again?.Source ?? nodes[random.Next(nodes.Count)],
                    Target = again?.Target ?? (i % 9 == 8 ? edges[^1].Target : nodes[random.Next(nodes.Count)]),
                    Type = types[random.Next(2)],
                },
                Cancelled));
        }
        edges.Add(await app.Client.CreateEdgeAsync(new() { Source = nodes[0], Target = nodes[0] }, Cancelled));

        foreach (var start in nodes.Take(8))
        {
            var depth = random.Next(1, 4);
            var expanded = await app.Client.ExpandAsync(start, depth, cancellationToken: Cancelled);
            var around = Search(edges, start, "both", null, depth);
            Assert.Equal(around.OrderBy(n => n.Key), expanded!.Nodes.ToDictionary(n => n.Data.Id, n => n.Data.Depth!.Value).OrderBy(n => n.Key));
            Assert.Equal(
                edges.Where(e => around.ContainsKey(e.Source) && around.ContainsKey(e.Target)).Select(e => e.Id).Order(),
                expanded.Edges.Select(e => e.Data.Id).Order());
            Assert.False(expanded.Stats.Truncated);
            Assert.Equal(depth, expanded.Stats.CompleteDepth);

            foreach (var direction in new[] { "out", "in", "both" })
            {
                string[]? followed = random.Next(2) == 0 ? null : [types[random.Next(2)]];
                var reached = Search(edges, start, direction, followed, depth);
                var walked = await app.Client.TraverseAsync(
                    new() { Start = start, Direction = direction, EdgeTypes = followed, MaxDepth = depth }, Cancelled);
                Assert.Equal(reached.OrderBy(n => n.Key), walked!.Nodes.ToDictionary(n => n.Id, n => n.Depth!.Value).OrderBy(n => n.Key));
                Assert.Equal(walked.Nodes.Select(n => n.Depth).Order(), walked.Nodes.Select(n => n.Depth));

                var target = nodes[random.Next(nodes.Count)];
                var path = await app.Client.FindPathAsync(
                    new() { Source = start, Target = target, Direction = direction, EdgeTypes = followed, MaxDepth = depth }, Cancelled);
                Assert.Equal(reached.TryGetValue(target, out var length) ? length : null, path?.Length);
                if (path is not null)
                    AssertLeads(path, start, target, direction, followed);
            }
        }
    }

    [Fact]
    public async Task What_is_too_much_is_cut_and_the_answer_says_so()
    {
        var hub = await NodeAsync("hub");
        for (var i = 0; i < 6; i++)
            await EdgeAsync(await NodeAsync($"spoke {i}"), hub);

        var cut = await app.Client.ExpandAsync(hub, depth: 2, limit: 4, cancellationToken: Cancelled);
        Assert.Equal((4, 3, true, 0), (cut!.Nodes.Count, cut.Edges.Count, cut.Stats.Truncated, cut.Stats.CompleteDepth));
        Assert.NotEmpty(cut.Stats.Message!);
        Assert.Equal(hub, cut.Nodes[0].Data.Id);
        var whole = await app.Client.ExpandAsync(hub, depth: 2, limit: 7, cancellationToken: Cancelled);
        Assert.Equal((7, 6, false, 2), (whole!.Nodes.Count, whole.Edges.Count, whole.Stats.Truncated, whole.Stats.CompleteDepth));
        Assert.Null(whole.Stats.Message);
        var walked = await app.Client.TraverseAsync(new() { Start = hub, Direction = "in", Limit = 5 }, Cancelled);
        Assert.Equal((5, true), (walked!.Nodes.Count, walked.Stats.Truncated));
    }

    [Fact]
    public async Task The_services_own_limit_holds_for_a_hub_of_more_than_a_thousand()
    {
        var hub = await NodeAsync("hub");
        await Parallel.ForEachAsync(Enumerable.Range(0, 1005), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancelled },
            async (i, _) => await EdgeAsync(hub, await NodeAsync($"spoke {i}")));
        var newest = await NodeAsync("newest");
        foreach (var (source, target) in new[] { (hub, newest), (hub, newest), (newest, hub), (newest, newest), (hub, hub) })
            await EdgeAsync(source, target);
        var expanded = await app.Client.ExpandAsync(hub, depth: 3, limit: 5000, cancellationToken: Cancelled);
        Assert.Equal((1000, 1003, true, 0),
            (expanded!.Stats.TotalNodes, expanded.Stats.TotalEdges, expanded.Stats.Truncated, expanded.Stats.CompleteDepth));
        Assert.Equal(1000, expanded.Nodes.Select(node => node.Data.Id).Distinct().Count());
    }

    [Theory]
    [InlineData("POST", "/v1/graph/nodes", """{"label": "a"}""", 422, "body")]
    [InlineData("POST", "/v1/graph/nodes", """{"type": "", "label": "a"}""", 422, "type")]
    [InlineData("POST", "/v1/graph/nodes", """{"type": "a", "label": null}""", 422, "label")]
    [InlineData("POST", "/v1/graph/nodes", """{"type": "a", "label": "b", "id": "c"}""", 422, "id")]
    [InlineData("POST", "/v1/graph/nodes", """{"type": "a", "label": "b", "properties": []}""", 422, "properties")]
    [InlineData("POST", "/v1/graph/nodes", """{"type": "a", "label": "b", "created_at": "1969-12-31T00:00:00Z"}""", 422, "created_at")]
    [InlineData("POST", "/v1/graph/nodes", """{"type": "a", "label": "b\u0000"}""", 422, null)]
    [InlineData("POST", "/v1/graph/nodes", """{"type": "a", "label": "b\ud800"}""", 422, "label")]
    [InlineData("POST", "/v1/graph/nodes", """{"type": "a", "label": "b", "properties": {"c": "\u0000"}}""", 422, null)]
    [InlineData("POST", "/v1/graph/nodes", "{", 400, null)]
    [InlineData("POST", "/v1/graph/edges", """{"source": "NODE", "target": "MISSING"}""", 422, "target")]
    [InlineData("POST", "/v1/graph/edges", """{"source": "MISSING", "target": "NODE"}""", 422, "source")]
    [InlineData("POST", "/v1/graph/edges", """{"source": "NODE", "target": "NODE", "type": null}""", 422, "type")]
    [InlineData("POST", "/v1/graph/edges", """{"source": "NODE"}""", 422, "body")]
    [InlineData("GET", "/v1/graph/nodes/MISSING", null, 404, null)]
    [InlineData("GET", "/v1/graph/edges/MISSING", null, 404, null)]
    [InlineData("GET", "/v1/graph/nodes/x", null, 422, "id")]
    [InlineData("PATCH", "/v1/graph/nodes/NODE", """{"label": ""}""", 422, "label")]
    [InlineData("DELETE", "/v1/graph/edges/MISSING", null, 404, null)]
    [InlineData("GET", "/api/graph/nodes?limit=0", null, 422, "limit")]
    [InlineData("GET", "/api/graph/nodes?limit=1001", null, 422, "limit")]
    [InlineData("GET", "/api/graph/nodes?cursor=x", null, 422, "cursor")]
    [InlineData("GET", "/api/graph/nodes?event_id=x", null, 422, "event_id")]
    [InlineData("POST", "/v1/graph/edges/among", """{"nodes": []}""", 422, "nodes")]
    [InlineData("POST", "/v1/graph/edges/among", """{"nodes": ["x"]}""", 422, "nodes[0]")]
    [InlineData("POST", "/v1/graph/edges/among", "{}", 422, "body")]
    [InlineData("GET", "/api/graph/expand/NODE?depth=0", null, 422, "depth")]
    [InlineData("GET", "/api/graph/expand/NODE?depth=9", null, 422, "depth")]
    [InlineData("GET", "/api/graph/expand/NODE?limit=0", null, 422, "limit")]
    [InlineData("GET", "/api/graph/expand/MISSING", null, 404, null)]
    [InlineData("POST", "/v1/graph/traverse", """{"start": "NODE", "direction": "up"}""", 422, "direction")]
    [InlineData("POST", "/v1/graph/traverse", """{"start": "NODE", "max_depth": 11}""", 422, "max_depth")]
    [InlineData("POST", "/v1/graph/traverse", """{"start": "NODE", "edge_types": "a"}""", 422, "edge_types")]
    [InlineData("POST", "/v1/graph/traverse", """{"start": "MISSING"}""", 404, null)]
    [InlineData("POST", "/v1/graph/path", """{"source": "NODE", "target": "MISSING"}""", 404, null)]
    [InlineData("POST", "/v1/graph/path", """{"source": "NODE", "target": "NODE", "max_depth": 0}""", 422, "max_depth")]
    public async Task A_bad_request_is_answered_with_what_is_wrong(string method, string path, string? body, int status, string? field)
    {
        var node = (await NodeAsync("there")).ToString();
        string Fill(string text) => text.Replace("NODE", node, StringComparison.Ordinal).Replace("MISSING", Missing, StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(method), Fill(path));
        if (body is not null)
            request.Content = new StringContent(Fill(body), System.Text.Encoding.UTF8, "application/json");
        using var response = await app.Http.SendAsync(request, Cancelled);
        Assert.Equal(status, (int)response.StatusCode);
        var problem = await response.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Problem, Cancelled);
        Assert.NotEmpty(problem!.Detail!);
        if (field is not null)
            Assert.Equal(field, Assert.Single(problem.Errors!).Key);
    }

    private static Dictionary<Guid, int> Search(List<GraphEdge> edges, Guid start, string direction, string[]? types, int maxDepth)
    {
        var depths = new Dictionary<Guid, int> { [start] = 0 };
        var queue = new Queue<Guid>([start]);
        while (queue.TryDequeue(out var here))
        {
            if (depths[here] == maxDepth)
                continue;
            foreach (var edge in edges.Where(edge => types is null || types.Contains(edge.Type)))
            {
                if (direction != "in" && edge.Source == here && depths.TryAdd(edge.Target, depths[here] + 1))
                    queue.Enqueue(edge.Target);
                if (direction != "out" && edge.Target == here && depths.TryAdd(edge.Source, depths[here] + 1))
                    queue.Enqueue(edge.Source);
            }
        }
        return depths;
    }

    private static void AssertLeads(GraphPath path, Guid start, Guid target, string direction, string[]? types)
    {
        Assert.Equal((start, target), (path.Nodes[0].Id, path.Nodes[^1].Id));
        Assert.Equal((path.Length, path.Length + 1), (path.Edges.Count, path.Nodes.Count));
        for (var i = 0; i < path.Length; i++)
        {
            var (edge, from, to) = (path.Edges[i], path.Nodes[i].Id, path.Nodes[i + 1].Id);
            Assert.True(types is null || types.Contains(edge.Type));
            Assert.True(
                (direction != "in" && edge.Source == from && edge.Target == to) || (direction != "out" && edge.Source == to && edge.Target == from));
        }
    }

    private static string Unique() => Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);

    private async Task<HttpStatusCode> PostAsync<T>(string path, T body)
    {
        using var response = await app.Http.PostAsJsonAsync(path, body, Cancelled);
        return response.StatusCode;
    }

    private async Task<Guid> NodeAsync(string label, string type = "thing") =>
        (await app.Client.CreateNodeAsync(new() { Type = type, Label = label }, Cancelled)).Id;

    private async Task<Guid> EdgeAsync(Guid source, Guid target) =>
        (await app.Client.CreateEdgeAsync(new() { Source = source, Target = target }, Cancelled)).Id;
}
