using MnemoLite.Api;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Events;
using MnemoLite.Api.Graph;
using MnemoLite.Api.Mcp;
using MnemoLite.Api.OpenApi;
using MnemoLite.Api.Operations;
using MnemoLite.Api.Search;
using MnemoLite.Api.Security;
using MnemoLite.Api.Storage;
using MnemoLite.Client;
using Scalar.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Limits.MaxRequestBodySize = 4 << 20;
    kestrel.Limits.MaxRequestLineSize = 128 << 10; // a vector may be a part of it
    kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10); // a body has to come with 240 bytes a second, as Kestrel has it
});
builder.Services.ConfigureHttpJsonOptions(json =>
{
    json.SerializerOptions.PropertyNamingPolicy = MnemoLiteJson.Default.Options.PropertyNamingPolicy;
    json.SerializerOptions.DefaultIgnoreCondition = MnemoLiteJson.Default.Options.DefaultIgnoreCondition;
    json.SerializerOptions.RespectNullableAnnotations = MnemoLiteJson.Default.Options.RespectNullableAnnotations;
    json.SerializerOptions.TypeInfoResolverChain.Insert(0, MnemoLiteJson.Default);
});
builder.Services.AddSingleton(TimeProvider.System);

builder.AddServiceDefaults();
builder.AddErrors();
builder.AddSecurity();
builder.AddDatabase();
builder.AddCaching();
builder.AddEmbeddings();
builder.AddEvents();
builder.AddSearch();
builder.AddGraph();
builder.AddStorage();
builder.AddMcp();
builder.AddOperations();
builder.AddOpenApi();

if (builder.FindWrongSettings() is { Length: > 0 } wrong)
{
    await Console.Error.WriteLineAsync(string.Join(Environment.NewLine, wrong));
    return 1;
}

var app = builder.Build();
app.UseErrors();
app.UseSecurity();
app.MapDefaultEndpoints();
var routes = app.MapGroup("").RequireScopes();
routes.MapAccess();
routes.MapOperations();
routes.MapCaches();
routes.MapEvents();
routes.MapSearch();
routes.MapGraph();
routes.MapStorage();
routes.MapMcp();
routes.MapOpenApi();
routes.MapScalarApiReference(scalar => scalar.WithNonce().DisableDefaultFonts());
var stopping = app.Lifetime.ApplicationStopping; // the application is disposed of when it has run
try
{
    await app.RunAsync();
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    // it was not to start, and the log says why
}
return Environment.ExitCode;
