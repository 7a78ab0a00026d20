"""Words that are also names: English words, months and weekdays, programming words and products. A partial mention of such a name is
looked for with care, or not at all. Our own list, lower case; it grows by what a reader finds missing."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """A set of words from a text of them, one blank or line end between two."""
    return frozenset(text.split())


CODE = words(
    """
    abstract add alias all any api app apps args array async await base bash basic bean begin bin bit block bool boot break
    buffer build byte bytes cache call case catch char chef class cli client code col color column command config const consul
    count cpu css data date debug def default delete delta dict diff dir disk django docker done double edge elif elm else
    email enum env error eval event except exit export extend false file filter final find fixed flag flask float flow font
    for foo form format from func function get git global go google grace gradle graph grid grpc hash head heap helm helper
    hex host html http http2 icon id image img import in index info init inner input int item java javascript jenkins job join
    json julia jupiter jupyter kafka kernel key kotlin label lambda last len less lib line link linux lisp list load local
    lock log logger loop lua main make map match maven max maya merge meta method min mock mod mode model module mongo mysql
    name new next nginx nim node none null num numpy object octave oracle order os out outer page pages pandas param parent
    pascal pass patch path perl phoenix php pip pipe pixel plan play pod point port post postgres print private process prompt
    proto proxy public pull push put pytest python query queue rails rake random range raw react read redis ref regex remote
    repo request response rest result return ring role root route row ruby run rust sage salt sass scala schema scope script
    search self send server service session set shell size slack spark spec spring sql stack star start state static step stop
    store str stream string struct style sub super sure swift switch table tag task tensor term test text thread time title
    tmp token tomcat tool torch trace travis tree true try tuple type union unit unix update url user util val value var vault
    vector view vim void vue wait web while window with word work worker write xml yaml yield zig zip zone claude gemini alexa
    siri cortana copilot ada pearl crystal dart jade basil haskell eiffel erlang jordan dylan ansible hudson
    """
)
CALENDAR = words(
    """
    january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept
    oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun spring
    summer autumn winter easter christmas
    """
)
WORDS = words(
    """
    able about above acre after again age air alley also amber and angel angle apple archer arm art ash baker ball band bank
    banks bar barber bark barn bass bay beach bean bear bell berry best bill bird bishop black blanche blaze bloom blue boat
    bond book books booth bow bowman brand brave bridge bridges bright brook brooks brown buck bud bunny burn burns bush
    business butcher butler buy can candy care carol carpenter carter cash castle chad champion chance chapel charity chase
    cherry chief child china christian church city clay clear cliff close cloud coach cole constant cook cooper corn cost
    court cox craft cream crew cross crown cruise cruz cure dale dawn day days deal dean dear deep destiny diamond dick dish
    divine dollar doc dog don dove down drake drew dry duke dust dusty eagle early earl east elder ember english even ever
    every fair faith falcon fall family fan far farmer fast fawn field fields finch fine fire first fish fisher fleet fleming
    flint flower flowers fly ford forest forever fort foster four fox frank franklin free freeman french friend frost game
    garden gardener gay gene general george giant gill gift give glass glen glory gold golden good grand grant grass gray
    great green greene grey grove guy had hall ham hand happy hard harmony harper harvest has hawk hay haven hazel heart heath
    heather heaven hell hello help her here hero high hill hills his hobby holiday holland hollow holly home honey honor hood
    hook hope horn horse house how huge humble hunt hunter ice iris iron island ivory ivy jack jasmine jay jazz jean jersey
    jet jewel joker joy judge junior just justice keen kid kind king kings kit knight lace lake lamb land lane large lark law
    lawn lead leaf lee left legend lemon levy liberty light lily lime lion little live lock long look lord love low luck lucky
    magic maid major mall man many marble marine mark marks marsh marshall mason master may meadow melody mercer mercy merit
    merry mild mile miles mill mills miller mint misty money monk moon moor more most mount mountain much music must myth near
    nice nick night noble noon north not now nurse oak oaks ocean odd off old olive one only opal open or orange orchard our
    over own paige paint pair palm paper paris park parker parks parrot parson part past pat patience peace peach peak penny
    people pepper perry person peter petty pike pine place plain plum pole polish pony pool poor pope poppy porter potter
    pound power price pride prince princess prosper prudence pure queen quick quiet quill rain rainbow ram ranger ransom raven
    ray read real rebel red reed reeves reign rice rich rider right river rivers roads rob robin rock rocky rod roman roof
    rooster rope rosa rose rosemary rough round row royal ruby rush rusty sad saddle sadler safe sage sail saint sale sally
    sand sandy savage save say school scott sea season see senior serenity shade shadow sharp shaw she sheep shell shepherd
    sherry shine ship shore short sienna silver simple singer singh sister six skinner sky slack slater slow small smart
    smiley snow so soft soldier son song south spear speck speed spencer spice spike spirit stable stacy stanley stark steel
    stein sterling stern still stone storm story strange street strong such sue sugar summers sun sunny sure swan sweet tailor
    tall tanner tate taylor tea teacher temple ten thank that the them then there they thin thing think this thomas thorn
    three thunder tiger till tiny today top tower town trader train trinity trip true trusty turner twin two uncle under unity
    up us van vance vale valley variety velvet verity very victor victory viola violet virtue vine wade walker wall walls
    wallace walter wanda ward warden warm warner warren water waters watt wave way we weaver webb weeks well wells west wheat
    wheeler when white who whole wild wilder will willow wills win wind wing winner winters wise wish wolf woman wonder wood
    woods woody woodward wool word work world worth wright yard year yes york you young your zeal der die das und ein eine von
    den les des une est pour avec dans del los las una para con por che per non nel mais het een
    """
)
